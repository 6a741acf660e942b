import fc from "fast-check";
import { expect, test } from "vitest";
import { openTokenizerSeats } from "#origin/door/tokenizer-seats.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const bounds = { all: 16, perOrg: 4 };

test("an org has its share, and leaves the rest to others", async () => {
  const seats = openTokenizerSeats(bounds);
  for (let at = 0; at < bounds.perOrg; at++) seats.take("org_a");
  const refusal = await expectRefusal(() => seats.take("org_a"), "server_is_overloaded");
  expect(refusal.details.retryAfterMs).toBe(1_000);
  expect(() => seats.take("org_b")).not.toThrow();
});

test("whoever comes and goes, no more sit than there are seats, and all seats come back", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 7 }), fc.boolean()), { maxLength: 200 }), (steps) => {
      const seats = openTokenizerSeats(bounds);
      const held: { org: string; leave: () => void }[] = [];
      for (const [number, isLeaving] of steps) {
        const org = `org_${number}`;
        const at = held.findIndex((one) => one.org === org);
        if (isLeaving && at !== -1) held.splice(at, 1)[0]?.leave();
        else if (!isLeaving) {
          const own = held.filter((one) => one.org === org).length;
          const isFull = held.length >= bounds.all || own >= bounds.perOrg;
          if (isFull) expect(() => seats.take(org)).toThrow("tokenizer_busy");
          else held.push({ org, leave: seats.take(org) });
        }
      }
      held.splice(0).forEach(({ leave }) => leave());
      for (let at = 0; at < bounds.all; at++) expect(() => seats.take(`org_${at}`)).not.toThrow();
    }),
  );
});
