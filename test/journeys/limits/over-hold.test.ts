import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRedisThere } from "#test/support/redis.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { windowOf, type Org } from "#test/support/stack/world.ts";

const completionTokens = 900;

/** Calls whose engine counts three times as many tokens of a prompt as its bound allows, in both ledgers. */
describe.each(["durable-object", "upstash"] as const)("with LEDGER=%s", (ledger) => {
  const isHere = ledger === "durable-object" || isRedisThere;
  let own: OwnStack;
  beforeAll(async () => {
    if (isHere) own = await openOwnStack({ ledger });
  });
  afterAll(() => own?.close());

  /** What the ledger holds for the prompt of a call that runs; then the call is left. */
  const readHeld = async (org: Org): Promise<number> => {
    const { world } = own;
    const fields = { stream: true, ignore_eos: true, max_tokens: completionTokens };
    const stream = await world.chat(org.key, fields);
    expect(stream.status).toBe(200);
    const [open] = (await world.ledger(org.id)).openHolds;
    await stream.body?.cancel();
    await world.settled(org.id);
    return open.tokens - completionTokens;
  };
  /** Tokens beyond their holds, as the agents count them. */
  const readMetric = async (): Promise<number> => {
    const pages = await Promise.all(
      own.world.place.nodes.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()),
    );
    const counts = pages.map((page) => /^penstock_agent_over_hold_tokens_total (\d+)$/m.exec(page)?.[1]);
    return counts.reduce((sum, count) => sum + Number(count), 0);
  };

  test.skipIf(!isHere)(
    "a prompt longer than its bound is billed whole, once, and the next one is held for",
    async () => {
      const { world, logs } = own;
      const [org, other] = [await world.newOrg({ tokensPerDay: 1_000_000 }), await world.newOrg()];
      const bound = await readHeld(org);
      expect(bound).toBeGreaterThan(20);
      const before = await world.usage(org.id);
      expect(await readMetric()).toBe(0);

      await world.fault({ kind: "usage", lie: "more", tokens: 3 * bound });
      const answer = await world.chat(org.key, { max_tokens: completionTokens });
      await world.clearFaults();
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-penstock-bound")).toBeNull();
      const { usage } = (await answer.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
      expect(usage.prompt_tokens).toBe(3 * bound);
      const hold = answer.headers.get("x-penstock-hold") ?? "";
      const rows = (await world.settled(org.id)).filter((row) => !before.some(({ id }) => id === row.id));
      expect(rows.toSorted((one, late) => one.id.localeCompare(late.id))).toMatchObject([
        { id: hold, end: "completed", promptTokens: bound, completionTokens: usage.completion_tokens },
        { id: `${hold}:late`, end: "adjusted", promptTokens: 2 * bound, completionTokens: 0, hold },
      ]);
      const sum = (await world.usage(org.id)).reduce((all, row) => all + row.promptTokens + row.completionTokens, 0);
      expect(windowOf(await world.ledger(org.id), "tokensPerDay")).toMatchObject({ held: 0, settled: sum });

      expect(await readMetric()).toBe(2 * bound);
      const lines = () => logs.filter((line) => line.includes("prompt_over_hold") && line.includes(hold));
      for (let tries = 0; tries < 100 && lines().length < 2; tries++) await sleep(20);
      const facts = lines().map((line) => JSON.parse(line.slice(line.indexOf("{"))));
      expect(facts.toSorted((one, two) => Object.keys(one).length - Object.keys(two).length)).toMatchObject([
        { org: org.id, hold, counted: 3 * bound },
        { org: org.id, hold, held: bound, counted: 3 * bound },
      ]);

      // The next call of this org, and no other's, is held for by the factor; what it uses is billed as ever.
      expect(await readHeld(org)).toBe(3 * bound);
      expect(await readHeld(other)).toBe(bound);
      const plain = await world.chat(org.key, { max_tokens: 1 });
      expect(plain.status).toBe(200);
      const lateRows = (await world.settled(org.id)).filter(({ end }) => end === "adjusted");
      expect(lateRows).toHaveLength(1);
      expect(await readMetric()).toBe(2 * bound);
    },
  );
});
