import { describe, expect, test } from "vitest";
import {
  makeRequest,
  granted,
  keyId,
  keyRecord,
  noon,
  makeRecord,
  orgRecord,
  exceeded,
  openWith,
  findWindow,
  fill,
  type OpenLedger,
} from "../ledger-fixtures.ts";

const minute = 60_000;
const hour = 60 * minute;

/** What `Ledger` promises of windows and their limits, for any adapter. */
export function ledgerWindows(name: string, open: OpenLedger): void {
  describe(`${name}: windows`, () => {
    test("a thousand calls at once on a limit of 60: exactly 60 are admitted", async () => {
      const { ledger, org } = await openWith(open, { requestsPerMinute: 60 });
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => ledger.admit(makeRequest(org))));
      expect(answers.filter(({ kind }) => kind === "grant")).toHaveLength(60);
    });

    test("the minute slides: a call passes exactly at the reported time, not one ms before", async () => {
      const opened = await openWith(open, { requestsPerMinute: 2 });
      const { ledger, org, clock } = opened;
      clock.set(noon + 250);
      await fill(opened, 1);
      clock.set(noon + 30_700);
      await fill(opened, 1);
      clock.set(noon + 40_000);
      const no = exceeded(await ledger.admit(makeRequest(org)));
      expect(no).toMatchObject({
        reason: "rate",
        window: "requestsPerMinute",
        of: "org",
        limit: 2,
        retryAfterMs: 21_000,
        resetAtMs: noon + 61_000,
      });
      expect(no.rates.requests).toEqual({ limit: 2, remaining: 0, resetMs: 51_000 });
      clock.set(noon + 60_999);
      expect(exceeded(await ledger.admit(makeRequest(org))).retryAfterMs).toBe(1);
      clock.set(noon + 61_000);
      const yes = granted(await ledger.admit(makeRequest(org)));
      expect(yes.rates.requests).toEqual({ limit: 2, remaining: 0, resetMs: 61_000 });
    });

    test("the hour slides by the minute, and the day is a quota until midnight UTC", async () => {
      const opened = await openWith(open, { requestsPerHour: 2, requestsPerDay: 3 });
      const { ledger, org, clock } = opened;
      await fill(opened, 2);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
        window: "requestsPerHour",
        reason: "rate",
        retryAfterMs: 61 * minute,
      });
      clock.advance(61 * minute);
      await fill(opened, 1);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
        window: "requestsPerDay",
        reason: "quota",
        resetAtMs: noon + 12 * hour,
      });
      clock.set(noon + 12 * hour - 1);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({ retryAfterMs: 1 });
      clock.set(noon + 12 * hour);
      await fill(opened, 2);
    });

    test("of two full windows the denial names the one with the longer wait", async () => {
      const opened = await openWith(open, { requestsPerMinute: 1, tokensPerDay: 40 });
      const [hold = ""] = await fill(opened, 1);
      expect(exceeded(await opened.ledger.admit(makeRequest(opened.org)))).toMatchObject({
        window: "requestsPerMinute",
        retryAfterMs: 61_000,
        demand: { need: 1, held: 0, settled: 1 },
      });
      await opened.ledger.settle(opened.org, [makeRecord(opened.org, hold, { completionTokens: 20 })]);
      const no = exceeded(await opened.ledger.admit(makeRequest(opened.org)));
      expect(no).toMatchObject({ window: "tokensPerDay", reason: "quota", tokensRemaining: 10 });
      expect(no.rates).toMatchObject({ requests: { limit: 1, remaining: 0 }, tokens: { limit: 40, remaining: 10 } });
    });

    test("what only calls under way hold is worth another try at once, what is spent is not", async () => {
      const opened = await openWith(open, { tokensPerDay: 70, costMicrosPerMonth: 100_000 });
      const { ledger, org } = opened;
      const [first = "", second = ""] = await fill(opened, 2);
      const ask = async () => exceeded(await ledger.admit(makeRequest(org)));
      const demand = { need: 30, held: 60, settled: 0 };
      const no = { window: "tokensPerDay", reason: "quota", resetAtMs: noon + 12 * hour, tokensRemaining: 10 };
      expect(await ask()).toMatchObject({ ...no, retryAfterMs: 1_000, demand });
      await ledger.settle(org, [makeRecord(org, first)]);
      expect(await ask()).toMatchObject({ ...no, retryAfterMs: 1_000, demand: { need: 30, held: 30, settled: 30 } });
      await ledger.settle(org, [makeRecord(org, second)]);
      expect(await ask()).toMatchObject({ ...no, retryAfterMs: 12 * hour, demand: { need: 30, held: 0, settled: 60 } });
      expect(exceeded(await ledger.admit(makeRequest(org, { completionTokens: 61 })))).toMatchObject({
        ...no,
        retryAfterMs: 12 * hour,
        demand: { need: 71, held: 0, settled: 60 },
      });
    });

    test("whoever is held up no longer than the last second of a month is told what is left of it", async () => {
      const opened = await openWith(open, { costMicrosPerMonth: 60 }, {}, Date.UTC(2032, 3, 1) - 300);
      await fill(opened, 1);
      expect(exceeded(await opened.ledger.admit(makeRequest(opened.org)))).toMatchObject({
        window: "costMicrosPerMonth",
        retryAfterMs: 300,
        resetAtMs: Date.UTC(2032, 3, 1),
        demand: { need: 50, held: 50, settled: 0 },
      });
    });

    test("a day's requests, slots and a minute's tokens that calls hold: each has a wait of its own", async () => {
      const opened = await openWith(open, { requestsPerDay: 1 }, { limits: { concurrency: 1, tokensPerMinute: 50 } });
      const { ledger, org } = opened;
      const [hold = ""] = await fill(opened, 1);
      const day = { window: "requestsPerDay", retryAfterMs: 12 * hour, demand: { need: 1, held: 1, settled: 0 } };
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject(day);
      await ledger.publish(orgRecord(org, { requestsPerDay: 2 }, 2));
      const minutes = { window: "tokensPerMinute", retryAfterMs: 61_000, demand: { need: 30, held: 30, settled: 0 } };
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject(minutes);
      const slot = { window: "concurrency", retryAfterMs: 1_000, demand: { need: 1, held: 1, settled: 0 } };
      expect(exceeded(await ledger.admit(makeRequest(org, { completionTokens: 0 })))).toMatchObject(slot);
      await ledger.settle(org, [makeRecord(org, hold)]);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
        ...minutes,
        demand: { need: 30, held: 0, settled: 30 },
      });
    });

    test("a key's own limits and its org's apply together, and each has counters of its own", async () => {
      const opened = await openWith(open, { requestsPerMinute: 3 }, { limits: { requestsPerMinute: 1 } });
      const { ledger, org } = opened;
      await ledger.publish(keyRecord(org, 2));
      await fill(opened, 1);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({ of: "key", limit: 1 });
      await fill(opened, 2, { key: keyId(org, 2) });
      expect(exceeded(await ledger.admit(makeRequest(org, { key: keyId(org, 2) })))).toMatchObject({
        of: "org",
        limit: 3,
      });
      const state = await ledger.inspect(org);
      expect(state?.windows.filter(({ of }) => of !== "org")).toMatchObject([
        { of: keyId(org, 1), window: "requestsPerMinute", remaining: 0, settled: 1 },
      ]);
    });

    test("a slot is free as soon as its call has settled, and at its deadline at the latest", async () => {
      const opened = await openWith(open, { concurrency: 2 });
      const { ledger, org, clock } = opened;
      const [first = ""] = await fill(opened, 1, { ttlMs: 500 });
      const [second = ""] = await fill(opened, 1, { ttlMs: 100_000 });
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
        reason: "concurrency",
        retryAfterMs: 500,
        resetAtMs: noon + 500,
      });
      await ledger.settle(org, [makeRecord(org, second)]);
      const [third = ""] = await fill(opened, 1);
      clock.set(noon + 500);
      await fill(opened, 1);
      expect(await ledger.settle(org, [makeRecord(org, first), makeRecord(org, third)])).toMatchObject([
        { result: "adjusted" },
        { result: "settled" },
      ]);
    });

    test("a request larger than a limit changes nothing and is denied for one whole window", async () => {
      const opened = await openWith(open, { tokensPerMinute: 29, requestsPerMinute: 5 });
      const before = await opened.ledger.inspect(opened.org);
      const no = exceeded(await opened.ledger.admit(makeRequest(opened.org)));
      expect(no).toMatchObject({ window: "tokensPerMinute", limit: 29, retryAfterMs: 61_000, tokensRemaining: 29 });
      expect(await opened.ledger.inspect(opened.org)).toEqual(before);
    });

    test("a completion is shrunk to what fits when the caller allows it, and only then", async () => {
      const opened = await openWith(open, { tokensPerDay: 100 });
      const { ledger, org } = opened;
      const large = { promptTokens: 10, completionTokens: 50, choices: 2 };
      expect(exceeded(await ledger.admit(makeRequest(org, large)))).toMatchObject({
        window: "tokensPerDay",
        tokensRemaining: 100,
      });
      expect(granted(await ledger.admit(makeRequest(org, { ...large, mayClamp: true })))).toMatchObject({
        completionTokens: 45,
        tokensHeld: 100,
      });
      expect(exceeded(await ledger.admit(makeRequest(org, { ...large, mayClamp: true }))).tokensRemaining).toBe(0);
      const other = await openWith(open, { costMicrosPerMonth: 100 });
      expect(
        granted(
          await other.ledger.admit(makeRequest(other.org, { promptTokens: 20, completionTokens: 60, mayClamp: true })),
        ).completionTokens,
      ).toBe(40);
    });

    test("money is held at the price of all tokens and settled at the price of those used", async () => {
      const opened = await openWith(open, { costMicrosPerMonth: 100 });
      const [hold = ""] = await fill(opened, 1);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([50, 50, 0]);
      await opened.ledger.settle(opened.org, [makeRecord(opened.org, hold, { completionTokens: 5 })]);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([80, 0, 20]);
      const no = exceeded(
        await opened.ledger.admit(makeRequest(opened.org, { promptTokens: 30, completionTokens: 40 })),
      );
      expect(no).toMatchObject({
        window: "costMicrosPerMonth",
        reason: "quota",
        resetAtMs: Date.UTC(2032, 3, 1),
        tokensRemaining: 55,
      });
    });

    test.each([
      ["leap day", Date.UTC(2032, 1, 28, 23, 59, 59, 999), Date.UTC(2032, 1, 29), "tokensPerDay"],
      ["day after leap day", Date.UTC(2032, 1, 29, 23, 59, 59, 999), Date.UTC(2032, 2, 1), "tokensPerMonth"],
      ["new year", Date.UTC(2032, 11, 31, 23, 59, 59, 999), Date.UTC(2033, 0, 1), "tokensPerMonth"],
      ["a century without leap day", Date.UTC(2100, 1, 28, 23, 59, 59, 999), Date.UTC(2100, 2, 1), "tokensPerMonth"],
    ] as const)("%s: the calendar turns at midnight UTC, once", async (_, before, after, window) => {
      const opened = await openWith(open, { [window]: 30 }, {}, before);
      const { ledger, org, clock } = opened;
      const [hold = ""] = await fill(opened, 1);
      expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
        window,
        retryAfterMs: 1,
        resetAtMs: after,
      });
      clock.set(after);
      await fill(opened, 1);
      clock.set(before - hour);
      expect(exceeded(await ledger.admit(makeRequest(org))).window).toBe(window);
      await ledger.settle(org, [makeRecord(org, hold, { promptTokens: 0, completionTokens: 0 })]);
      expect(await findWindow(opened, window)).toEqual([0, 30, 0]);
      clock.set(after + 1);
      expect(exceeded(await ledger.admit(makeRequest(org))).window).toBe(window);
    });
  });
}
