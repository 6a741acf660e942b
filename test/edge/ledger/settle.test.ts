import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply } from "#edge/ledger/counters.ts";
import { decide } from "#edge/ledger/decide.ts";
import { publish } from "#edge/ledger/publish.ts";
import { expire, nextDeadlineMs, release, settle } from "#edge/ledger/settle.ts";
import { costHeld, createState, tokensHeld, type Change, type Ended, type State } from "#edge/ledger/state.ts";
import { computeCostMicros } from "#edge/agreements/records/model.ts";
import { abandonMs } from "#edge/limits.ts";
import {
  makeRequest,
  freshOrg,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

function withHold(fields: Parameters<typeof makeRequest>[1]): { state: State; hold: State["holds"][string] } {
  const first = publish(createState(), orgRecord(org, {}));
  const state = first && publish(first, keyRecord(org, 1));
  const decision = state && decide(state, makeRequest(org, fields), null, noon);
  if (decision?.kind !== "granted") throw new Error("denied");
  apply(state!, { kind: "held", hold: decision.hold });
  return { state: state!, hold: decision.hold };
}

const counts = fc.nat(1_000);

test("in any order a hold is charged at most once and at most itself, its prompt's rest aside; its rows add up", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ prompt: counts, completion: counts, isFinal: fc.boolean() }), { maxLength: 8 }),
      fc.nat(8),
      (reports, expiresAfter) => {
        const most = Math.max(...reports.map(({ prompt, isFinal }) => (isFinal ? prompt : 0)));
        const overMax = Math.min(Math.max(0, most - 300), 600);
        const { state, hold } = withHold({
          promptTokens: 300,
          completionTokens: 100,
          choices: 3,
          price: { promptMicrosPerMTok: 333_333, completionMicrosPerMTok: 777_777 },
        });
        let ended: Ended | null = null;
        let charged = { prompt: 0, completion: 0, cost: 0, rows: 0 };
        const note = (change: Change) => {
          apply(state, change);
          if (change.kind !== "closed" && change.kind !== "late") return;
          const { closing } = change;
          if (ended) ended.isAdjusted = true;
          else ended = { hold: change.hold, closing, isAdjusted: false };
          expect(
            Math.min(closing.costMicros, closing.charged.promptTokens, closing.charged.completionTokens),
          ).toBeGreaterThanOrEqual(0);
          const { promptTokens, completionTokens } = closing.charged;
          charged = {
            prompt: charged.prompt + promptTokens,
            completion: charged.completion + completionTokens,
            cost: charged.cost + closing.costMicros,
            rows: charged.rows + 1,
          };
        };
        reports.forEach((report, i) => {
          if (i === expiresAfter) for (const change of expire(state, hold!.expiresAtMs)) note(change);
          const record = makeRecord(org, hold!.id, {
            promptTokens: report.prompt,
            completionTokens: report.completion,
            isFinal: report.isFinal,
          });
          for (const change of settle(state, record, ended, noon + i).changes) note(change);
        });
        expect(charged.rows).toBeLessThanOrEqual(2);
        expect(charged.prompt).toBeLessThanOrEqual(300 + overMax);
        expect(charged.completion).toBeLessThanOrEqual(300);
        expect(charged.prompt + charged.completion).toBeLessThanOrEqual(tokensHeld(hold!) + overMax);
        const overCost = computeCostMicros(hold!.price, overMax, 0);
        expect(charged.cost).toBeLessThanOrEqual(costHeld(hold!) + overCost);
        expect(charged.cost).toBe(computeCostMicros(hold!.price, charged.prompt, charged.completion));
      },
    ),
  );
});

test("holds expire at their deadline, oldest first, and none is left open after it", () => {
  const { state, hold } = withHold({ ttlMs: 5_000 });
  const later = decide(state, makeRequest(org, { ttlMs: 2_000 }), null, noon + 1);
  if (later.kind === "granted") apply(state, { kind: "held", hold: later.hold });
  expect(nextDeadlineMs(state)).toBe(noon + 2_001);
  expect(expire(state, noon + 2_000)).toEqual([]);
  expect(expire(state, noon + 9_000).map((change) => "hold" in change && change.hold.id)).toEqual([
    later.kind === "granted" ? later.hold.id : "",
    hold!.id,
  ]);
  for (const change of expire(state, noon + 9_000)) apply(state, change);
  expect([state.holds, nextDeadlineMs(state)]).toEqual([{}, Infinity]);
});

test("a node's clock may be wrong: a call ended neither before it was admitted nor after now", () => {
  const { state, hold } = withHold({});
  const endedAt = (endedAtMs: number) => {
    const [change] = settle(state, makeRecord(org, hold!.id, { endedAtMs }), null, noon + 500).changes;
    return change?.kind === "closed" ? change.closing.endedAtMs : null;
  };
  expect([noon - 9_000, noon + 100, noon + 9_000].map(endedAt)).toEqual([noon, noon + 100, noon + 500]);
});

test("a correction adds what expiry left out of every part, cached tokens included", () => {
  const { state, hold } = withHold({ promptTokens: 50, ttlMs: 1_000 });
  const checkpoint = settle(
    state,
    makeRecord(org, hold!.id, { isFinal: false, promptTokens: 30, cachedTokens: 12, completionTokens: 4 }),
    null,
    noon,
  ).changes[0];
  if (checkpoint) apply(state, checkpoint);
  const [expired] = expire(state, noon + 1_000);
  if (expired?.kind !== "closed") throw new Error("not expired");
  apply(state, expired);
  const ended = { hold: expired.hold, closing: expired.closing, isAdjusted: false };
  const reported = makeRecord(org, hold!.id, { promptTokens: 50, cachedTokens: 20, completionTokens: 9 });
  expect(settle(state, reported, ended, noon + 2_000)).toMatchObject({
    result: "adjusted",
    changes: [{ closing: { charged: { promptTokens: 20, cachedTokens: 8, completionTokens: 5 } } }],
  });
});

describe("a release", () => {
  test("of a call that never ran gives all back; of one that a checkpoint saw running it charges that", () => {
    const { state, hold } = withHold({});
    expect(release(state, { hold: hold!, ended: null, mayRun: false }, noon + 5)).toMatchObject({
      result: "released",
      changes: [{ kind: "closed", closing: { end: "released", costMicros: 0 } }],
    });
    const seen = { ...hold!, checkpoint: { promptTokens: 10, cachedTokens: 0, completionTokens: 4, responseId: null } };
    expect(release(state, { hold: seen, ended: null, mayRun: false }, noon + 5)).toMatchObject({
      result: "settled",
      changes: [{ kind: "closed", closing: { end: "failed", charged: { completionTokens: 4 } } }],
    });
  });

  test("of a call whose checkpoint saw a prompt but no token yet gives all back, too", () => {
    const { state, hold } = withHold({});
    const seen = { ...hold!, checkpoint: { promptTokens: 10, cachedTokens: 0, completionTokens: 0, responseId: null } };
    expect(release(state, { hold: seen, ended: null, mayRun: false }, noon + 5)).toMatchObject({
      result: "released",
      changes: [{ closing: { charged: { promptTokens: 0 }, costMicros: 0 } }],
    });
  });

  test("of a call that may run changes its deadline alone: to two seconds from now, never later than before", () => {
    const { state, hold } = withHold({ ttlMs: 60_000 });
    const at = (now: number) => release(state, { hold: hold!, ended: null, mayRun: true }, now);
    expect(at(noon + 5)).toEqual({
      result: "checkpointed",
      changes: [{ kind: "checkpointed", hold: { ...hold!, expiresAtMs: noon + 5 + abandonMs } }],
    });
    expect(at(noon - 9_000_000).changes).toMatchObject([{ hold: { expiresAtMs: noon + abandonMs } }]);
    expect(at(noon + 59_000).changes).toMatchObject([{ hold: { expiresAtMs: noon + 60_000 } }]);
  });

  test("of a hold that is not open changes nothing, whether or not the call may run", () => {
    const { state, hold } = withHold({});
    const ended = {
      hold: hold!,
      closing: {
        hold: hold!.id,
        end: "completed" as const,
        charged: { promptTokens: 1, cachedTokens: 0, completionTokens: 1, responseId: null },
        costMicros: 1,
        atMs: noon,
        endedAtMs: noon,
      },
      isAdjusted: false,
    };
    for (const mayRun of [false, true]) {
      expect(release(state, { hold: null, ended: null, mayRun }, noon)).toEqual({ result: "unknown", changes: [] });
      expect(release(state, { hold: null, ended, mayRun }, noon)).toEqual({ result: "repeated", changes: [] });
    }
  });
});

describe("a prompt that its engine counts longer than its bound", () => {
  test("makes the end and a line for the rest, one after the other, at most the hold again", () => {
    const { state, hold } = withHold({ promptTokens: 50, completionTokens: 20, choices: 2 });
    const at = (promptTokens: number) =>
      settle(state, makeRecord(org, hold!.id, { promptTokens, completionTokens: 7 }), null, noon + 5);
    const rest = ({ changes }: ReturnType<typeof at>) =>
      changes.map((change) => ("closing" in change ? [change.kind, change.closing.charged.promptTokens] : []));
    expect([at(50).result, rest(at(50))]).toEqual(["settled", [["closed", 50]]]);
    expect([at(51).result, rest(at(51))]).toEqual([
      "over_hold",
      [
        ["closed", 50],
        ["late", 1],
      ],
    ]);
    expect(rest(at(1_000_000))).toEqual([
      ["closed", 50],
      ["late", 90],
    ]);
  });
});
