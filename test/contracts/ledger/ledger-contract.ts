import { describe, expect, test } from "vitest";
import type { WindowName } from "#edge/agreements/records/windows.ts";
import {
  makeRequest,
  freshHold,
  granted,
  keyId,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
  exceeded,
  type OpenedLedger,
  type OpenLedger,
} from "./ledger-fixtures.ts";
import { ledgerBatches } from "./ledger-batches.ts";
import { ledgerLineage } from "./ledger-lineage.ts";
import { checkAgainstModel } from "./ledger-commands.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Every promise of `Ledger`, for any adapter that keeps it. `runs` bounds the model runs. */
export function ledgerContract(name: string, open: OpenLedger, runs: { numRuns: number; maxCommands: number }): void {
  const openWith = async (limits: Partial<Limits>, key: Parameters<typeof keyRecord>[2] = {}, startMs = noon) => {
    const opened = await open(startMs);
    await opened.ledger.publish(orgRecord(opened.org, limits));
    await opened.ledger.publish(keyRecord(opened.org, 1, key));
    return opened;
  };
  const findWindow = async ({ ledger, org }: OpenedLedger & { org: OrgId }, window: WindowName) => {
    const state = await ledger.inspect(org);
    const found = state?.windows.find((each) => each.window === window && each.of === "org");
    return [found?.remaining, found?.held, found?.settled];
  };
  const fill = async ({ ledger, org }: { ledger: OpenedLedger["ledger"]; org: OrgId }, calls: number, fields = {}) => {
    const holds = [];
    for (let i = 0; i < calls; i++) holds.push(granted(await ledger.admit(makeRequest(org, fields))).hold);
    return holds;
  };

  describe(`${name}: keys`, () => {
    test("an org that was never published has no state and grants nothing", async () => {
      const { ledger, org } = await open(noon);
      expect(await ledger.inspect(org)).toBeNull();
      expect(await ledger.admit(makeRequest(org))).toEqual({ kind: "denial", reason: "key" });
      expect(await ledger.settle(org, [makeRecord(org, freshHold())])).toMatchObject([{ result: "unknown" }]);
      await ledger.publish(keyRecord(org, 1));
      expect(await ledger.admit(makeRequest(org))).toEqual({ kind: "denial", reason: "key" });
    });

    test("unknown, wrong, revoked, expired and suspended are the same denial, from the next admit on", async () => {
      const { ledger, org, clock } = await openWith({}, { expiresAtMs: noon + 1_000 });
      const no = { kind: "denial", reason: "key" };
      granted(await ledger.admit(makeRequest(org)));
      expect(await ledger.admit(makeRequest(org, { key: keyId(org, 2) }))).toEqual(no);
      expect(await ledger.admit(makeRequest(org, { digests: [] }))).toEqual(no);
      expect(await ledger.admit(makeRequest(org, { digests: [{ kid: "p1", digest: "e".repeat(64) }] }))).toEqual(no);
      expect(await ledger.admit(makeRequest(org, { digests: [{ kid: "p2", digest: "d".repeat(64) }] }))).toEqual(no);
      granted(
        await ledger.admit(
          makeRequest(org, {
            digests: [
              { kid: "p2", digest: "e".repeat(64) },
              { kid: "p1", digest: "d".repeat(64) },
            ],
          }),
        ),
      );
      clock.set(noon + 999);
      granted(await ledger.admit(makeRequest(org)));
      clock.set(noon + 1_000);
      expect(await ledger.admit(makeRequest(org))).toEqual(no);
      await ledger.publish(keyRecord(org, 1, { version: 2 }));
      granted(await ledger.admit(makeRequest(org)));
      await ledger.publish(keyRecord(org, 1, { isRevoked: true, version: 3 }));
      expect(await ledger.admit(makeRequest(org))).toEqual(no);
      await ledger.publish(keyRecord(org, 1, { version: 4 }));
      await ledger.publish({ ...orgRecord(org, {}, 2), isSuspended: true });
      expect(await ledger.admit(makeRequest(org))).toEqual(no);
    });

    test("a record of a lower version is ignored, one of another org refused", async () => {
      const { ledger, org } = await openWith({}, { version: 5, isRevoked: true });
      await ledger.publish(keyRecord(org, 1, { version: 4 }));
      expect(await ledger.admit(makeRequest(org))).toMatchObject({ reason: "key" });
      expect(await ledger.settle(org, [])).toEqual([]);
      await expect(ledger.settle(org, [makeRecord("org_zzzzzzzzzz", freshHold())])).rejects.toThrow("record.org");
    });

    test("address, endpoint and model are checked in this order, before any window", async () => {
      const range = { from: `${"0".repeat(20)}ffff0a000000`, to: `${"0".repeat(20)}ffff0a0000ff` };
      const { ledger, org } = await openWith(
        { requestsPerMinute: 0 },
        { ipRanges: [range], endpoints: ["embeddings"], models: ["small"] },
      );
      const ip = `${"0".repeat(20)}ffff0a000007`;
      const no = (reason: string) => ({ kind: "denial", reason });
      expect(await ledger.admit(makeRequest(org))).toEqual(no("ip"));
      expect(await ledger.admit(makeRequest(org, { ip: `${"0".repeat(20)}ffff0a000100` }))).toEqual(no("ip"));
      expect(await ledger.admit(makeRequest(org, { ip }))).toEqual(no("endpoint"));
      expect(await ledger.admit(makeRequest(org, { ip, endpoint: "embeddings", model: "big" }))).toEqual(no("model"));
      expect(await ledger.admit(makeRequest(org, { ip, endpoint: "embeddings" }))).toMatchObject({ reason: "rate" });
    });
  });

  describe(`${name}: looking`, () => {
    test("a key in force learns its scopes and holds nothing; any other gets the denial of a call", async () => {
      const { ledger, org } = await openWith(
        { requestsPerMinute: 0 },
        { models: ["small"], endpoints: ["embeddings"] },
      );
      const before = await ledger.inspect(org);
      expect(await ledger.introspect(makeRequest(org))).toEqual({
        kind: "scopes",
        models: ["small"],
        endpoints: ["embeddings"],
      });
      expect(await ledger.introspect(makeRequest(org, { digests: [] }))).toEqual({ kind: "denial", reason: "key" });
      expect(await ledger.inspect(org)).toEqual(before);
      await ledger.publish(keyRecord(org, 1, { ipRanges: [], version: 2 }));
      expect(await ledger.introspect(makeRequest(org))).toEqual({ kind: "denial", reason: "ip" });
    });
  });

  describe(`${name}: windows`, () => {
    test("a thousand calls at once on a limit of 60: exactly 60 are admitted", async () => {
      const { ledger, org } = await openWith({ requestsPerMinute: 60 });
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => ledger.admit(makeRequest(org))));
      expect(answers.filter(({ kind }) => kind === "grant")).toHaveLength(60);
    });

    test("the minute slides: a call passes exactly when told, not one ms before", async () => {
      const opened = await openWith({ requestsPerMinute: 2 });
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
      const opened = await openWith({ requestsPerHour: 2, requestsPerDay: 3 });
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

    test("of two shut windows the one that opens last is named", async () => {
      const opened = await openWith({ requestsPerMinute: 1, tokensPerDay: 40 });
      await fill(opened, 1);
      const no = exceeded(await opened.ledger.admit(makeRequest(opened.org)));
      expect(no).toMatchObject({ window: "tokensPerDay", reason: "quota", tokensRemaining: 10 });
      expect(no.rates).toMatchObject({ requests: { limit: 1, remaining: 0 }, tokens: { limit: 40, remaining: 10 } });
    });

    test("a key's own limits and its org's hold together, and the key's books are its own", async () => {
      const opened = await openWith({ requestsPerMinute: 3 }, { limits: { requestsPerMinute: 1 } });
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
      const opened = await openWith({ concurrency: 2 });
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

    test("an ask larger than a limit itself lowers nothing and is told one whole window", async () => {
      const opened = await openWith({ tokensPerMinute: 29, requestsPerMinute: 5 });
      const before = await opened.ledger.inspect(opened.org);
      const no = exceeded(await opened.ledger.admit(makeRequest(opened.org)));
      expect(no).toMatchObject({ window: "tokensPerMinute", limit: 29, retryAfterMs: 61_000, tokensRemaining: 29 });
      expect(await opened.ledger.inspect(opened.org)).toEqual(before);
    });

    test("a completion is shrunk to what fits when the caller allows it, and only then", async () => {
      const opened = await openWith({ tokensPerDay: 100 });
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
      const other = await openWith({ costMicrosPerMonth: 100 });
      expect(
        granted(
          await other.ledger.admit(makeRequest(other.org, { promptTokens: 20, completionTokens: 60, mayClamp: true })),
        ).completionTokens,
      ).toBe(40);
    });

    test("money is held at the price of all tokens and settled at the price of those used", async () => {
      const opened = await openWith({ costMicrosPerMonth: 100 });
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
      const opened = await openWith({ [window]: 30 }, {}, before);
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

  describe(`${name}: ends`, () => {
    test("a release gives back tokens, money and the day's request; minute and hour keep the attempt", async () => {
      const opened = await openWith({
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
      const opened = await openWith({ tokensPerDay: 90 });
      const [hold = ""] = await fill(opened, 1);
      await opened.ledger.settle(opened.org, [makeRecord(opened.org, hold, { isFinal: false, completionTokens: 7 })]);
      expect(await opened.ledger.release(opened.org, hold)).toEqual({ hold, result: "settled" });
      expect(await opened.usage()).toMatchObject([{ end: "failed", promptTokens: 10, completionTokens: 7 }]);
    });

    test("a call given up while a node may run it expires in two seconds; a late record adds the rest", async () => {
      const opened = await openWith({ tokensPerDay: 90, requestsPerDay: 9, concurrency: 2 });
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
      const opened = await openWith({ tokensPerDay: 900 });
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

    test("a record is charged once, cut to what was held, and told again it changes nothing", async () => {
      const opened = await openWith({ tokensPerDay: 900 });
      const { ledger, org } = opened;
      const [hold = "", open = ""] = await fill(opened, 2);
      const lying = makeRecord(org, hold, {
        promptTokens: 999,
        cachedTokens: 500,
        completionTokens: 999,
        outcome: "cancelled",
        responseId: "chatcmpl-1",
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
        },
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([840, 30, 30]);
      expect((await ledger.inspect(org))?.openHolds).toEqual([
        { hold: open, key: keyId(org, 1), tokens: 30, expiresAtMs: noon + 930_000 },
      ]);
    });

    test("expiry charges the last checkpoint; the late record adds the rest, once", async () => {
      const opened = await openWith({ tokensPerDay: 900 });
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

    test("a final record that says less than a checkpoint did is charged the checkpoint", async () => {
      const opened = await openWith({});
      const [hold = ""] = await fill(opened, 1);
      const { ledger, org } = opened;
      await ledger.settle(org, [
        makeRecord(org, hold, { isFinal: false, completionTokens: 12 }),
        makeRecord(org, hold, { completionTokens: 3 }),
      ]);
      expect(await opened.usage()).toMatchObject([{ end: "completed", completionTokens: 12 }]);
    });
  });

  describe(`${name}: idempotency`, () => {
    const first = { key: "a".repeat(64), body: "b".repeat(64) };

    test("in progress, replayed, mismatch; free again after a release and after 24 hours", async () => {
      const opened = await openWith({});
      const { ledger, org, clock } = opened;
      const again = (idempotency = first) => ledger.admit(makeRequest(org, { idempotency }));
      const { hold } = granted(await again());
      expect(await again()).toEqual({ kind: "denial", reason: "idempotency_in_progress", retryAfterMs: 1_000 });
      expect(await again({ ...first, body: "c".repeat(64) })).toEqual({
        kind: "denial",
        reason: "idempotency_mismatch",
      });
      await opened.restart();
      await ledger.release(org, hold);
      const second = granted(await again());
      await ledger.settle(org, [makeRecord(org, second.hold, { responseId: "chatcmpl-9", completionTokens: 4 })]);
      await opened.restart();
      const replayed = { hold: second.hold, responseId: "chatcmpl-9", promptTokens: 10, completionTokens: 4 };
      clock.set(noon + day - 1);
      expect(await again()).toEqual({ kind: "denial", reason: "idempotency_replayed", first: replayed });
      clock.set(noon + day);
      granted(await again());
    });

    test("of a thousand retries at once one runs", async () => {
      const { ledger, org } = await openWith({});
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, () => ledger.admit(makeRequest(org, { idempotency: first }))),
      );
      expect(answers.filter(({ kind }) => kind === "grant")).toHaveLength(1);
    });
  });

  ledgerBatches(name, open);
  ledgerLineage(name, open);
  describe(`${name}: hostile values`, () => {
    test("nothing but a plain non-negative integer is accepted anywhere, and a refusal changes nothing", async () => {
      const opened = await openWith({ tokensPerDay: 1_000 });
      const { ledger, org } = opened;
      const [hold = ""] = await fill(opened, 1);
      const before = await ledger.inspect(org);
      await expect(ledger.admit(makeRequest(org, { promptTokens: Number.NaN }))).rejects.toThrow("promptTokens");
      await expect(ledger.admit(makeRequest(org, { key: "__proto__" }))).rejects.toThrow("key");
      await expect(
        ledger.settle(org, [makeRecord(org, hold), makeRecord(org, hold, { completionTokens: -1 })]),
      ).rejects.toThrow("completionTokens");
      await expect(ledger.release(org, "constructor")).rejects.toThrow("hold");
      await expect(ledger.publish({ ...orgRecord(org, { tokensPerDay: -5 }), version: 9 })).rejects.toThrow(
        "tokensPerDay",
      );
      expect(await ledger.inspect(org)).toEqual(before);
    });

    test("a hold is given once: asked for again it throws, and nothing is booked twice", async () => {
      const opened = await openWith({ tokensPerDay: 1_000 });
      const request = makeRequest(opened.org);
      granted(await opened.ledger.admit(request));
      await expect(opened.ledger.admit(request)).rejects.toThrow();
      expect(await findWindow(opened, "tokensPerDay")).toEqual([970, 30, 0]);
    });
  });

  describe(`${name}: model`, () => {
    test("any sequence of commands answers as a brute-force model does, in every window and to the ms", async () => {
      expect(await checkAgainstModel(open, runs)).toBeGreaterThan(runs.numRuns);
    }, 180_000);
  });
}
