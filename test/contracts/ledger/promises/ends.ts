import { describe, expect, test } from "vitest";
import {
  makeRequest,
  freshHold,
  keyId,
  noon,
  makeRecord,
  exceeded,
  openWith,
  findWindow,
  fill,
  type OpenLedger,
} from "../ledger-fixtures.ts";

const day = 24 * 60 * 60_000;

/** What `Ledger` promises of the ways in which a hold ends, for any adapter. */
export function ledgerEnds(name: string, open: OpenLedger): void {
  describe(`${name}: ends`, () => {
    test("a release gives back tokens, money and the day's request; minute and hour keep the attempt", async () => {
      const opened = await openWith(open, {
        requestsPerMinute: 9,
        requestsPerHour: 9,
        requestsPerDay: 9,
        tokensPerDay: 90,
        tokensPerMinute: 90,
        costMicrosPerMonth: 900,
      });
      const [hold = ""] = await fill(opened, 1);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([8, 1, 0]);
      expect(await opened.ledger.release(opened.org, hold)).toEqual({ hold, result: "released" });
      expect(await opened.ledger.release(opened.org, hold)).toEqual({ hold, result: "repeated" });
      expect(await opened.ledger.settle(opened.org, [makeRecord(opened.org, hold)])).toEqual([
        { hold, result: "repeated" },
      ]);
      expect(await opened.ledger.release(opened.org, freshHold())).toMatchObject({ result: "unknown" });
      for (const window of ["tokensPerMinute", "tokensPerDay"] as const)
        expect(await findWindow(opened, window)).toEqual([90, 0, 0]);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([900, 0, 0]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9, 0, 0]);
      for (const window of ["requestsPerMinute", "requestsPerHour"] as const)
        expect(await findWindow(opened, window)).toEqual([8, 0, 1]);
      expect(await opened.usage()).toEqual([]);
    });

    test("what ran is never given back: a release after a checkpoint charges the checkpoint", async () => {
      const opened = await openWith(open, { tokensPerDay: 90 });
      const [hold = ""] = await fill(opened, 1);
      await opened.ledger.settle(opened.org, [makeRecord(opened.org, hold, { isFinal: false, completionTokens: 7 })]);
      expect(await opened.ledger.release(opened.org, hold)).toEqual({ hold, result: "settled" });
      expect(await opened.usage()).toMatchObject([{ end: "failed", promptTokens: 10, completionTokens: 7 }]);
    });

    test("a call given up while a node may run it expires in two seconds; a late record adds the rest", async () => {
      const opened = await openWith(open, { tokensPerDay: 90, requestsPerDay: 9, concurrency: 2 });
      const { ledger, org, clock } = opened;
      const [hold = "", mute = ""] = await fill(opened, 2);
      expect(await ledger.release(org, hold, true)).toEqual({ hold, result: "checkpointed" });
      expect(await ledger.release(org, mute, true)).toEqual({ hold: mute, result: "checkpointed" });
      expect(await findWindow(opened, "tokensPerDay")).toEqual([30, 60, 0]);
      expect((await ledger.inspect(org))?.openHolds.map(({ expiresAtMs }) => expiresAtMs)).toEqual([
        noon + 2_000,
        noon + 2_000,
      ]);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
        window: "concurrency",
        resetAtMs: noon + 2_000,
      });
      clock.set(noon + 1_999);
      expect(await ledger.settle(org, [makeRecord(org, hold, { isFinal: false, completionTokens: 7 })])).toEqual([
        { hold, result: "checkpointed" },
      ]);
      await opened.restart();
      expect(await findWindow(opened, "concurrency")).toEqual([0, 2, 0]);
      clock.set(noon + 2_000);
      expect(await findWindow(opened, "concurrency")).toEqual([2, 0, 0]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([73, 0, 17]);
      expect(await ledger.release(org, hold, true)).toEqual({ hold, result: "repeated" });
      expect(await ledger.settle(org, [makeRecord(org, hold, { completionTokens: 9 })])).toEqual([
        { hold, result: "adjusted" },
      ]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([7, 0, 2]);
      const rows = (await opened.usage()).toSorted((one, other) => one.id.localeCompare(other.id));
      expect(rows).toMatchObject([
        { id: hold, end: "expired", promptTokens: 10, completionTokens: 7 },
        { id: `${hold}:late`, end: "adjusted", promptTokens: 0, completionTokens: 2 },
        { id: mute, end: "expired", promptTokens: 0, completionTokens: 0, costMicros: 0 },
      ]);
    });

    test("giving a call up never lengthens its hold, and a final record or a release ends it as ever", async () => {
      const opened = await openWith(open, { tokensPerDay: 900 });
      const { ledger, org, clock } = opened;
      const [brief = ""] = await fill(opened, 1, { ttlMs: 500 });
      const [reported = "", refused = ""] = await fill(opened, 2);
      for (const hold of [brief, reported, refused]) await ledger.release(org, hold, true);
      clock.advance(400);
      for (const hold of [brief, reported, refused])
        expect(await ledger.release(org, hold, true)).toEqual({ hold, result: "checkpointed" });
      await opened.restart();
      expect((await ledger.inspect(org))?.openHolds.map(({ expiresAtMs }) => expiresAtMs).toSorted()).toEqual([
        noon + 500,
        noon + 2_000,
        noon + 2_000,
      ]);
      expect(await ledger.settle(org, [makeRecord(org, reported, { completionTokens: 3 })])).toEqual([
        { hold: reported, result: "settled" },
      ]);
      expect(await ledger.release(org, refused)).toEqual({ hold: refused, result: "released" });
      clock.set(noon + 500);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([887, 0, 13]);
      expect(await ledger.release(org, freshHold(), true)).toMatchObject({ result: "unknown" });
      await expect(ledger.release(org, "constructor", true)).rejects.toThrow("hold");
    });

    test("a record is charged once, cut to what was held, and changes nothing when sent again", async () => {
      const opened = await openWith(open, { tokensPerDay: 900 });
      const { ledger, org } = opened;
      const [hold = "", running = ""] = await fill(opened, 2);
      const lying = makeRecord(org, hold, {
        promptTokens: 10,
        cachedTokens: 500,
        completionTokens: 999,
        units: 12,
        outcome: "cancelled",
        responseId: "chatcmpl-1",
        startedAtMs: noon - day,
        firstTokenAtMs: noon - day + 321,
        endedAtMs: noon - day,
      });
      expect(await ledger.settle(org, [lying, lying])).toEqual([
        { hold, result: "settled" },
        { hold, result: "repeated" },
      ]);
      await opened.restart();
      expect(await ledger.settle(org, [{ ...lying, completionTokens: 1 }])).toEqual([{ hold, result: "repeated" }]);
      expect(await opened.usage()).toEqual([
        {
          id: hold,
          hold,
          org,
          key: keyId(org, 1),
          model: "small",
          tier: "shared",
          endpoint: "chat.completions",
          end: "cancelled",
          responseId: "chatcmpl-1",
          promptTokens: 10,
          cachedTokens: 10,
          completionTokens: 20,
          costMicros: 50,
          admittedAtMs: noon,
          endedAtMs: noon,
          units: 12,
          ttftMs: 321,
        },
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([840, 30, 30]);
      expect((await ledger.inspect(org))?.openHolds).toEqual([
        { hold: running, key: keyId(org, 1), tokens: 30, expiresAtMs: noon + 930_000 },
      ]);
    });

    test("expiry charges the last checkpoint; the late record adds the rest, once", async () => {
      const opened = await openWith(open, { tokensPerDay: 900 });
      const { ledger, org, clock } = opened;
      const [hold = "", mute = ""] = await fill(opened, 2, { ttlMs: 60_000 });
      const note = (completionTokens: number) =>
        ledger.settle(org, [makeRecord(org, hold, { isFinal: false, completionTokens })]);
      expect(await note(8)).toEqual([{ hold, result: "checkpointed" }]);
      expect(await note(3)).toEqual([{ hold, result: "checkpointed" }]);
      await opened.restart();
      clock.set(noon + 60_000);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([882, 0, 18]);
      expect(await note(9)).toEqual([{ hold, result: "repeated" }]);
      await opened.restart();
      expect(await ledger.settle(org, [makeRecord(org, hold, { completionTokens: 15 })])).toEqual([
        { hold, result: "adjusted" },
      ]);
      await opened.restart();
      expect(await ledger.settle(org, [makeRecord(org, hold, { completionTokens: 19 })])).toEqual([
        { hold, result: "repeated" },
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([875, 0, 25]);
      const rows = (await opened.usage()).toSorted((one, other) => one.id.localeCompare(other.id));
      expect(rows).toMatchObject([
        { id: hold, end: "expired", promptTokens: 10, completionTokens: 8, costMicros: 26, endedAtMs: noon + 60_000 },
        { id: `${hold}:late`, hold, end: "adjusted", promptTokens: 0, completionTokens: 7, costMicros: 14 },
        { id: mute, end: "expired", promptTokens: 0, completionTokens: 0, costMicros: 0 },
      ]);
    });

    test("the last word on a call that was left is booked when it comes after expiry, once", async () => {
      const opened = await openWith(open, { tokensPerDay: 900 });
      const { ledger, org, clock } = opened;
      const [hold = ""] = await fill(opened, 1);
      const note = (outcome: "failed" | "cancelled", completionTokens: number) =>
        ledger.settle(org, [makeRecord(org, hold, { isFinal: false, outcome, completionTokens })]);
      await note("failed", 8);
      await ledger.release(org, hold, true);
      clock.set(noon + 2_000);
      // How far a node has come is no last word; what it made for a caller who left before any answer is.
      expect(await note("failed", 11)).toEqual([{ hold, result: "repeated" }]);
      expect(await note("cancelled", 15)).toEqual([{ hold, result: "adjusted" }]);
      await opened.restart();
      expect(await note("cancelled", 19)).toEqual([{ hold, result: "repeated" }]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([875, 0, 25]);
      const rows = (await opened.usage()).toSorted((one, other) => one.id.localeCompare(other.id));
      expect(rows).toMatchObject([
        { id: hold, end: "expired", promptTokens: 10, completionTokens: 8 },
        { id: `${hold}:late`, hold, end: "adjusted", promptTokens: 0, completionTokens: 7 },
      ]);
    });

    test("a final record that says less than a checkpoint did is charged the checkpoint", async () => {
      const opened = await openWith(open, {});
      const [hold = ""] = await fill(opened, 1);
      const { ledger, org } = opened;
      await ledger.settle(org, [
        makeRecord(org, hold, { isFinal: false, completionTokens: 12 }),
        makeRecord(org, hold, { completionTokens: 3 }),
      ]);
      expect(await opened.usage()).toMatchObject([{ end: "completed", completionTokens: 12 }]);
    });

    test("cached tokens cost their own price, and a late word makes two lines cost what one would have", async () => {
      const opened = await openWith(open, { costMicrosPerMonth: 9_000 });
      const { ledger, org, clock } = opened;
      const price = {
        promptMicrosPerMTok: 1_000_000,
        cachedMicrosPerMTok: 100_000,
        completionMicrosPerMTok: 2_000_000,
      };
      const [whole = "", late = ""] = await fill(opened, 2, { price, promptTokens: 100, ttlMs: 5_000 });
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([8_720, 280, 0]);
      const used = { promptTokens: 100, cachedTokens: 90, completionTokens: 3 };
      await ledger.settle(org, [
        makeRecord(org, whole, used),
        makeRecord(org, late, { ...used, cachedTokens: 0, isFinal: false }),
      ]);
      await opened.restart();
      clock.set(noon + 5_000);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([8_869, 0, 131]);
      await ledger.settle(org, [makeRecord(org, late, used)]);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([8_950, 0, 50]);
      const rows = (await opened.usage()).map(({ id, costMicros, cachedTokens }) => [id, costMicros, cachedTokens]);
      expect(rows.toSorted()).toEqual([
        [whole, 25, 90],
        [late, 106, 0],
        [`${late}:late`, -81, 90],
      ]);
    });
  });
}
