import { expect, test } from "vitest";
import { LedgerCore, type Journal } from "#edge/ledger/core.ts";
import { createState, type Change } from "#edge/ledger/state.ts";
import { apply } from "#edge/ledger/counters.ts";
import {
  makeRequest,
  freshOrg,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();
type Request = ReturnType<typeof makeRequest>;

/** A journal in a list, whose writes can be made to fail. */
function openCore(over: Partial<Journal> = {}) {
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
    writeAll: (written) => {
      fail();
      changes.push(...structuredClone(written));
    },
    publish: fail,
    leave: fail,
    findLeft: () => null,
    findEnded: () => new Map(),
    findEarlier: () => null,
    ...over,
  };
  const core = new LedgerCore(createState(), journal);
  core.publish(orgRecord(org, { tokensPerDay: 1_000, concurrency: 3 }), noon);
  core.publish(keyRecord(org, 1, { limits: { tokensPerMinute: 500 } }), noon);
  return { core, changes, fault };
}

test("the state is what its journal says, replayed from the start", () => {
  const { core, changes } = openCore();
  core.publish(orgRecord(org, { tokensPerDay: 1_000, concurrency: 4 }, 2), noon);
  const born = structuredClone(core.state);
  const holds = [0, 1, 2, 3].map(() => makeRequest(org, { ttlMs: 90_000 }));
  for (const [i, request] of holds.entries()) core.commit(core.evaluate(request, noon + i));
  core.settle(
    org,
    [makeRecord(org, holds[0]!.hold, { isFinal: false, completionTokens: 4 }), makeRecord(org, holds[1]!.hold)],
    noon + 10,
  );
  core.release(holds[2]!.hold, { mayRun: false, leased: null }, noon + 20);
  core.release(holds[3]!.hold, { mayRun: true, leased: null }, noon + 20);
  core.expire(noon + 90_000);
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
  expect(born).toEqual(core.state);
});

test("what the journal did not take has not happened", () => {
  const { core, fault } = openCore();
  const request = makeRequest(org);
  core.commit(core.evaluate(request, noon));
  const before = structuredClone(core.state);
  fault.isOn = true;
  expect(() => core.commit(core.evaluate(makeRequest(org), noon))).toThrow("disk full");
  expect(() => core.settle(org, [makeRecord(org, request.hold)], noon)).toThrow("disk full");
  expect(() => core.release(request.hold, { mayRun: false, leased: null }, noon)).toThrow("disk full");
  expect(() => core.release(request.hold, { mayRun: true, leased: null }, noon)).toThrow("disk full");
  expect(() => core.expire(noon + 9e6)).toThrow("disk full");
  expect(() => core.publish(orgRecord(org, {}, 2), noon)).toThrow("disk full");
  expect(core.state).toEqual(before);
  fault.isOn = false;
  core.expire(noon + 9e6);
  expect(core.state.holds).toEqual({});
});

test("whatever comes after a deadline finds the hold expired, though nobody looked in between", () => {
  const after = (deed: (core: LedgerCore, hold: string) => unknown) => {
    const { core, changes } = openCore();
    const request = makeRequest(org, { ttlMs: 1_000 });
    core.commit(core.evaluate(request, noon));
    deed(core, request.hold);
    const last = changes.at(-1);
    return [core.state.holds, last?.kind === "closed" && last.closing.end];
  };
  const late = noon + 1_000;
  expect(after((core, hold) => core.settle(org, [makeRecord(org, hold)], late))).toEqual([{}, "expired"]);
  expect(after((core, hold) => core.release(hold, { mayRun: false, leased: null }, late))).toEqual([{}, "expired"]);
  expect(after((core) => core.inspect(late, 0))).toEqual([{}, "expired"]);
  expect(after((core) => core.evaluate(makeRequest(org), late))).toEqual([{}, "expired"]);
});

test("a batch asks its journal once about what is not open, and anew from where it names a hold again", () => {
  const asked: string[][] = [];
  const findEnded: Journal["findEnded"] = (holds) => {
    asked.push([...holds]);
    const closed = changes.flatMap((change) => (change.kind === "closed" ? [change] : []));
    const found = closed.filter(({ hold }) => holds.includes(hold.id));
    return new Map(found.map(({ hold, closing }) => [hold.id, { hold, closing, isAdjusted: false }]));
  };
  const { core, changes } = openCore({ findEnded });
  const [open, other, ended] = [0, 1, 2].map(() => makeRequest(org)) as [Request, Request, Request];
  for (const each of [open, other, ended]) core.commit(core.evaluate(each, noon));
  core.settle(org, [makeRecord(org, ended.hold)], noon);
  expect(asked).toEqual([]);
  const unknown = makeRequest(org).hold;
  const named = [open.hold, ended.hold, unknown, other.hold, open.hold, unknown, open.hold];
  const before = changes.length;
  const settled = core.settle(
    org,
    named.map((hold) => makeRecord(org, hold)),
    noon,
  );
  expect(settled.map(({ result }) => result)).toEqual([
    "settled",
    "repeated",
    "unknown",
    "settled",
    "repeated",
    "unknown",
    "repeated",
  ]);
  expect(asked).toEqual([[ended.hold, unknown], [open.hold, unknown], [open.hold]]);
  expect(changes.length - before).toBe(2);
});

test("nothing malformed is looked at", () => {
  const { core } = openCore();
  expect(() => core.introspect(makeRequest(org, { key: "__proto__" }), noon)).toThrow("'key'");
  expect(() => core.introspect(makeRequest("org_1"), noon)).toThrow("'org'");
});

test("a hold given up expires two seconds later, though every other deadline is far away", () => {
  const { core } = openCore();
  const [request, other] = [makeRequest(org), makeRequest(org)];
  for (const each of [request, other]) core.commit(core.evaluate(each, noon));
  expect(core.release(request.hold, { mayRun: true, leased: null }, noon + 10)).toEqual({
    hold: request.hold,
    result: "checkpointed",
  });
  core.expire(noon + 2_009);
  expect(Object.keys(core.state.holds)).toHaveLength(2);
  core.expire(noon + 2_010);
  expect(Object.keys(core.state.holds)).toEqual([other.hold]);
});
