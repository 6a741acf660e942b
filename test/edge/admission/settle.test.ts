import * as fc from "fast-check";
import { expect, test } from "vitest";
import { apply } from "../../../edge/admission/books.ts";
import { decide } from "../../../edge/admission/decide.ts";
import { publish } from "../../../edge/admission/publish.ts";
import { expire, nextDeadlineMs, settle } from "../../../edge/admission/settle.ts";
import { costHeld, emptyState, tokensHeld, type Ended, type State } from "../../../edge/admission/state.ts";
import { costMicros } from "../../../edge/agreements/model.ts";
import { askOf, freshOrg, keyRecord, noon, orgRecord, recordOf } from "../../contracts/ledger-fixtures.ts";

const org = freshOrg();

function withHold(fields: Parameters<typeof askOf>[1]): { state: State; hold: State["holds"][string] } {
  const first = publish(emptyState(), orgRecord(org, {}));
  const state = first && publish(first, keyRecord(org, 1));
  const decision = state && decide(state, askOf(org, fields), null, noon);
  if (decision?.kind !== "granted") throw new Error("denied");
  apply(state!, { kind: "held", hold: decision.hold });
  return { state: state!, hold: decision.hold };
}

const counts = fc.nat(1_000);

test("whatever agents report, in whatever order, a hold is charged at most once and at most itself, and expired and late rows add up to one bill", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ prompt: counts, completion: counts, isFinal: fc.boolean() }), { maxLength: 8 }), fc.nat(8), (reports, expiresAfter) => {
      const { state, hold } = withHold({ promptTokens: 300, completionTokens: 100, choices: 3, price: { promptMicrosPerMTok: 333_333, completionMicrosPerMTok: 777_777 } });
      let ended: Ended | null = null;
      let charged = { prompt: 0, completion: 0, cost: 0, rows: 0 };
      const note = (change: ReturnType<typeof settle>["change"]) => {
        if (!change) return;
        apply(state, change);
        if (change.kind !== "closed" && change.kind !== "late") return;
        const { closing } = change;
        if (ended) ended.isCorrected = true;
        else ended = { hold: change.hold, closing, isCorrected: false };
        expect(Math.min(closing.costMicros, closing.charged.promptTokens, closing.charged.completionTokens)).toBeGreaterThanOrEqual(0);
        const { promptTokens, completionTokens } = closing.charged;
        charged = { prompt: charged.prompt + promptTokens, completion: charged.completion + completionTokens, cost: charged.cost + closing.costMicros, rows: charged.rows + 1 };
      };
      reports.forEach((report, i) => {
        if (i === expiresAfter) for (const change of expire(state, hold!.expiresAtMs)) note(change);
        const record = recordOf(org, hold!.id, { promptTokens: report.prompt, completionTokens: report.completion, isFinal: report.isFinal });
        note(settle(state, record, ended, noon + i).change);
      });
      expect(charged.rows).toBeLessThanOrEqual(2);
      expect(charged.prompt).toBeLessThanOrEqual(300);
      expect(charged.completion).toBeLessThanOrEqual(300);
      expect(charged.prompt + charged.completion).toBeLessThanOrEqual(tokensHeld(hold!));
      expect(charged.cost).toBeLessThanOrEqual(costHeld(hold!));
      expect(charged.cost).toBe(costMicros(hold!.price, charged.prompt, charged.completion));
    }),
  );
});

test("holds expire at their deadline, oldest first, and none is left open after it", () => {
  const { state, hold } = withHold({ ttlMs: 5_000 });
  const later = decide(state, askOf(org, { ttlMs: 2_000 }), null, noon + 1);
  if (later.kind === "granted") apply(state, { kind: "held", hold: later.hold });
  expect(nextDeadlineMs(state)).toBe(noon + 2_001);
  expect(expire(state, noon + 2_000)).toEqual([]);
  expect(expire(state, noon + 9_000).map((change) => change.hold.id)).toEqual([later.kind === "granted" ? later.hold.id : "", hold!.id]);
  for (const change of expire(state, noon + 9_000)) apply(state, change);
  expect([state.holds, nextDeadlineMs(state)]).toEqual([{}, Infinity]);
});
