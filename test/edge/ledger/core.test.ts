import { expect, test } from "vitest";
import { Keeper, type Journal } from "#edge/ledger/core.ts";
import { emptyState, type Change } from "#edge/ledger/state.ts";
import { apply } from "#edge/ledger/counters.ts";
import { askOf, freshOrg, keyRecord, noon, orgRecord, recordOf } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

/** A journal in a list, whose writes can be made to fail. */
function openKeeper() {
  const changes: Change[] = [];
  const fault = { isOn: false };
  const fail = () => {
    if (fault.isOn) throw new Error("disk full");
  };
  const journal: Journal = {
    write: (change) => {
      fail();
      changes.push(structuredClone(change));
    },
    publish: fail,
    ended: () => null,
    earlier: () => null,
  };
  const keeper = new Keeper(emptyState(), journal);
  keeper.publish(orgRecord(org, { tokensPerDay: 1_000, concurrency: 3 }));
  keeper.publish(keyRecord(org, 1, { limits: { tokensPerMinute: 500 } }));
  return { keeper, changes, fault };
}

test("the state is what its journal says, replayed from the start", () => {
  const { keeper, changes } = openKeeper();
  keeper.publish(orgRecord(org, { tokensPerDay: 1_000, concurrency: 4 }, 2));
  const born = structuredClone(keeper.state);
  const holds = [0, 1, 2, 3].map(() => askOf(org, { ttlMs: 90_000 }));
  for (const [i, ask] of holds.entries()) keeper.keep(keeper.weigh(ask, noon + i));
  keeper.settle(
    org,
    [recordOf(org, holds[0]!.hold, { isFinal: false, completionTokens: 4 }), recordOf(org, holds[1]!.hold)],
    noon + 10,
  );
  keeper.release(holds[2]!.hold, false, noon + 20);
  keeper.release(holds[3]!.hold, true, noon + 20);
  keeper.expire(noon + 90_000);
  expect(changes.map(({ kind }) => kind)).toEqual([
    "held",
    "held",
    "held",
    "held",
    "checkpointed",
    "closed",
    "closed",
    "checkpointed",
    "closed",
    "closed",
  ]);
  for (const change of changes) apply(born, change);
  expect(born).toEqual(keeper.state);
});

test("what the journal did not take has not happened", () => {
  const { keeper, fault } = openKeeper();
  const ask = askOf(org);
  keeper.keep(keeper.weigh(ask, noon));
  const before = structuredClone(keeper.state);
  fault.isOn = true;
  expect(() => keeper.keep(keeper.weigh(askOf(org), noon))).toThrow("disk full");
  expect(() => keeper.settle(org, [recordOf(org, ask.hold)], noon)).toThrow("disk full");
  expect(() => keeper.release(ask.hold, false, noon)).toThrow("disk full");
  expect(() => keeper.release(ask.hold, true, noon)).toThrow("disk full");
  expect(() => keeper.expire(noon + 9e6)).toThrow("disk full");
  expect(() => keeper.publish(orgRecord(org, {}, 2))).toThrow("disk full");
  expect(keeper.state).toEqual(before);
  fault.isOn = false;
  keeper.expire(noon + 9e6);
  expect(keeper.state.holds).toEqual({});
});

test("whatever comes after a deadline finds the hold expired, though nobody looked in between", () => {
  const after = (deed: (keeper: Keeper, hold: string) => unknown) => {
    const { keeper, changes } = openKeeper();
    const ask = askOf(org, { ttlMs: 1_000 });
    keeper.keep(keeper.weigh(ask, noon));
    deed(keeper, ask.hold);
    const last = changes.at(-1);
    return [keeper.state.holds, last?.kind === "closed" && last.closing.end];
  };
  const late = noon + 1_000;
  expect(after((keeper, hold) => keeper.settle(org, [recordOf(org, hold)], late))).toEqual([{}, "expired"]);
  expect(after((keeper, hold) => keeper.release(hold, false, late))).toEqual([{}, "expired"]);
  expect(after((keeper) => keeper.inspect(late, 0))).toEqual([{}, "expired"]);
  expect(after((keeper) => keeper.weigh(askOf(org), late))).toEqual([{}, "expired"]);
});

test("nothing malformed is looked at", () => {
  const { keeper } = openKeeper();
  expect(() => keeper.look(askOf(org, { key: "__proto__" }), noon)).toThrow("'key'");
  expect(() => keeper.look(askOf("org_1"), noon)).toThrow("'org'");
});

test("a hold given up expires two seconds later, though every other deadline is far away", () => {
  const { keeper } = openKeeper();
  const [ask, other] = [askOf(org), askOf(org)];
  for (const each of [ask, other]) keeper.keep(keeper.weigh(each, noon));
  expect(keeper.release(ask.hold, true, noon + 10)).toEqual({ hold: ask.hold, result: "checkpointed" });
  keeper.expire(noon + 2_009);
  expect(Object.keys(keeper.state.holds)).toHaveLength(2);
  keeper.expire(noon + 2_010);
  expect(Object.keys(keeper.state.holds)).toEqual([other.hold]);
});
