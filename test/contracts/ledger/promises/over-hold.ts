import { describe, expect, test } from "vitest";
import type { UsageRow } from "#edge/ledger/port.ts";
import {
  fill,
  findWindow,
  granted,
  keyId,
  makeRecord,
  makeRequest,
  noon,
  openWith,
  type OpenLedger,
} from "../ledger-fixtures.ts";

/** What `Ledger` promises of a prompt that its engine counts longer than its bound, for any adapter. */
export function ledgerOverHold(name: string, open: OpenLedger): void {
  const show = (rows: UsageRow[]) =>
    rows
      .toSorted((one, other) => one.id.localeCompare(other.id))
      .map(({ id, end, promptTokens, completionTokens, costMicros }) => [
        id.slice(27),
        end,
        promptTokens,
        completionTokens,
        costMicros,
      ]);

  describe(`${name}: prompts longer than their bound`, () => {
    test("the rest is one line more, at the prompt's price; every window counts it, no report adds to it", async () => {
      const opened = await openWith(
        open,
        { tokensPerDay: 900, tokensPerMinute: 900, costMicrosPerMonth: 900, requestsPerDay: 9, concurrency: 2 },
        { limits: { tokensPerDay: 100 } },
      );
      const { ledger, org } = opened;
      const [hold = ""] = await fill(opened, 1);
      const over = makeRecord(org, hold, { promptTokens: 31, cachedTokens: 31, completionTokens: 5, responseId: "id" });
      expect(await ledger.settle(org, [over, over])).toEqual([
        { hold, result: "over_hold" },
        { hold, result: "repeated" },
      ]);
      await opened.restart();
      expect(
        await ledger.settle(org, [
          { ...over, promptTokens: 40 },
          { ...over, isFinal: false },
        ]),
      ).toEqual([
        { hold, result: "repeated" },
        { hold, result: "repeated" },
      ]);
      expect(await ledger.release(org, hold)).toEqual({ hold, result: "repeated" });
      const rows = await opened.usage();
      expect(show(rows)).toEqual([
        ["", "completed", 10, 5, 20],
        [":late", "adjusted", 21, 0, 21],
      ]);
      expect(
        rows.map(({ key, cachedTokens, responseId, endedAtMs }) => [key, cachedTokens, responseId, endedAtMs]),
      ).toEqual(
        expect.arrayContaining([
          [keyId(org, 1), 10, "id", noon],
          [keyId(org, 1), 0, "id", noon],
        ]),
      );
      expect(await findWindow(opened, "tokensPerDay")).toEqual([864, 0, 36]);
      expect(await findWindow(opened, "tokensPerMinute")).toEqual([864, 0, 36]);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([859, 0, 41]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([8, 0, 1]);
      expect(await findWindow(opened, "concurrency")).toEqual([2, 0, 0]);
      const own = (await ledger.inspect(org))?.windows.find(({ of }) => of === keyId(org, 1));
      expect(own).toMatchObject({ limit: 100, remaining: 64, settled: 36 });
    });

    test("it is the whole hold again at most, and never completions", async () => {
      const opened = await openWith(open, { tokensPerDay: 900 });
      const { ledger, org } = opened;
      const [hold = ""] = await fill(opened, 1);
      const lying = makeRecord(org, hold, { promptTokens: 999_999, completionTokens: 999_999 });
      expect(await ledger.settle(org, [lying])).toEqual([{ hold, result: "over_hold" }]);
      expect(show(await opened.usage())).toEqual([
        ["", "completed", 10, 20, 50],
        [":late", "adjusted", 30, 0, 30],
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([840, 0, 60]);
    });

    test("two lines cost together what one would have, rounded once", async () => {
      const opened = await openWith(open, {});
      const { ledger, org } = opened;
      const price = { promptMicrosPerMTok: 333_333, completionMicrosPerMTok: 777_777 };
      const [hold = ""] = await fill(opened, 1, { price });
      await ledger.settle(org, [makeRecord(org, hold, { promptTokens: 14, completionTokens: 1 })]);
      // 10 and 1 are 4.11 and cost 5, 14 and 1 are 5.44 and cost 6.
      expect(show(await opened.usage())).toMatchObject([
        ["", "completed", 10, 1, 5],
        [":late", "adjusted", 4, 0, 1],
      ]);
    });

    test("a checkpoint never charges more than the hold; a late final word adds both rests in one line", async () => {
      const opened = await openWith(open, { tokensPerDay: 900 });
      const { ledger, org, clock } = opened;
      const { hold } = granted(await ledger.admit(makeRequest(org, { ttlMs: 1_000 })));
      const note = makeRecord(org, hold, { isFinal: false, promptTokens: 25, completionTokens: 3 });
      expect(await ledger.settle(org, [note])).toEqual([{ hold, result: "checkpointed" }]);
      clock.set(noon + 1_000);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([887, 0, 13]);
      await opened.restart();
      const last = makeRecord(org, hold, { promptTokens: 25, completionTokens: 8 });
      expect(await ledger.settle(org, [last, last])).toEqual([
        { hold, result: "over_hold" },
        { hold, result: "repeated" },
      ]);
      expect(show(await opened.usage())).toEqual([
        ["", "expired", 10, 3, 16],
        [":late", "adjusted", 15, 5, 25],
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([867, 0, 33]);
    });

    test("none is billed beyond its hold where the price of it all is no exact number", async () => {
      const { ledger, org } = await openWith(open, {});
      const price = { promptMicrosPerMTok: 2 ** 46, completionMicrosPerMTok: 0 };
      const hold = async () => granted(await ledger.admit(makeRequest(org, { promptTokens: 100, price }))).hold;
      // 2^46 times 127 is below 2^53, times 128 it is not.
      const records = [
        makeRecord(org, await hold(), { promptTokens: 127 }),
        makeRecord(org, await hold(), { promptTokens: 128 }),
      ];
      expect((await ledger.settle(org, records)).map(({ result }) => result)).toEqual(["over_hold", "settled"]);
    });

    test("a call that made nothing but a prompt, as embeddings do, is billed whole as well", async () => {
      const opened = await openWith(open, {});
      const { ledger, org } = opened;
      const [hold = "", other = ""] = await fill(opened, 2, { completionTokens: 0, choices: 0, promptTokens: 12 });
      const records = [
        makeRecord(org, hold, { promptTokens: 24, completionTokens: 0 }),
        makeRecord(org, other, { promptTokens: 12, completionTokens: 0 }),
      ];
      expect((await ledger.settle(org, records)).map(({ result }) => result)).toEqual(["over_hold", "settled"]);
      expect(show(await opened.usage())).toEqual([
        ["", "completed", 12, 0, 12],
        [":late", "adjusted", 12, 0, 12],
        ["", "completed", 12, 0, 12],
      ]);
    });
  });
}
