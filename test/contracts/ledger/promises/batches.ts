import { describe, expect, test } from "vitest";
import type { HoldId, OrgId } from "#edge/agreements/tokens/ids.ts";
import {
  makeRequest,
  freshHold,
  granted,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
  type OpenLedger,
} from "../ledger-fixtures.ts";

/** What `Ledger` promises of many orgs' records at once, for any adapter. */
export function ledgerBatches(name: string, open: OpenLedger): void {
  /** One ledger that knows three orgs, each with two open holds. */
  const openThree = async () => {
    const opened = [await open(noon), await open(noon), await open(noon)] as const;
    const [{ ledger }] = opened;
    const holds = new Map<OrgId, [HoldId, HoldId]>();
    for (const { org } of opened) {
      await ledger.publish(orgRecord(org, { tokensPerDay: 900 }));
      await ledger.publish(keyRecord(org, 1));
      holds.set(org, [
        granted(await ledger.admit(makeRequest(org))).hold,
        granted(await ledger.admit(makeRequest(org))).hold,
      ]);
    }
    /** Held and settled tokens of the day. */
    const booked = async (org: OrgId) => {
      const day = (await ledger.inspect(org))?.windows.find(({ window }) => window === "tokensPerDay");
      return [day?.held, day?.settled];
    };
    const records = (org: OrgId, fields = {}) => (holds.get(org) ?? []).map((hold) => makeRecord(org, hold, fields));
    return { ledger, orgs: [opened[0].org, opened[1].org, opened[2].org] as const, records, booked };
  };
  const listResults = (answers: PromiseSettledResult<{ result: string }[]>[]) =>
    answers.map((answer) => (answer.status === "fulfilled" ? answer.value.map(({ result }) => result) : "rejected"));

  describe(`${name}: many orgs at once`, () => {
    test("each org's records are settled and answered in their order; sent again they change nothing", async () => {
      const { ledger, orgs, records, booked } = await openThree();
      const [one, two, three] = orgs;
      const noted = records(one, { isFinal: false, completionTokens: 4 });
      const batches = [
        { org: two, records: records(two, { completionTokens: 1 }) },
        { org: one, records: [...noted, ...records(one, { completionTokens: 5 })] },
        { org: three, records: [makeRecord(three, freshHold()), ...records(three).slice(1)] },
      ];
      expect(listResults(await ledger.settleAll(batches))).toEqual([
        ["settled", "settled"],
        ["checkpointed", "checkpointed", "settled", "settled"],
        ["unknown", "settled"],
      ]);
      expect(await Promise.all(orgs.map(booked))).toEqual([
        [0, 30],
        [0, 22],
        [30, 30],
      ]);
      expect(listResults(await ledger.settleAll(batches))).toEqual([
        ["repeated", "repeated"],
        ["repeated", "repeated", "repeated", "repeated"],
        ["unknown", "repeated"],
      ]);
      expect(await Promise.all(orgs.map(booked))).toEqual([
        [0, 30],
        [0, 22],
        [30, 30],
      ]);
      expect(await ledger.settleAll([])).toEqual([]);
    });

    test("an org whose records are refused settles none of its own, and keeps no other from settling", async () => {
      const { ledger, orgs, records, booked } = await openThree();
      const [one, two, three] = orgs;
      const answers = await ledger.settleAll([
        { org: one, records: records(one) },
        { org: two, records: [...records(two), makeRecord(three, freshHold())] },
        { org: three, records: records(three, { completionTokens: -1 }) },
      ]);
      expect(listResults(answers)).toEqual([["settled", "settled"], "rejected", "rejected"]);
      expect(await Promise.all(orgs.map(booked))).toEqual([
        [0, 60],
        [60, 0],
        [60, 0],
      ]);
    });
  });
}
