import { describe, expect, test } from "vitest";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";
import { leaseCallsMax, leaseCostMicrosMax, leasesMax } from "#edge/limits.ts";
import type { LeaseRequest } from "#edge/ledger/port.ts";
import {
  fill,
  findWindow,
  freshLease,
  granted,
  keyId,
  keyRecord,
  makeRequest,
  noon,
  openWith,
  orgRecord,
  type OpenedOrg,
  type OpenLedger,
} from "../ledger-fixtures.ts";
import { makeClosing, makeCredential, makeWish, openLease, plenty } from "./lease-fixtures.ts";

/** Until a lease of a second has ended by the ledger's clock; what is left of it goes back 25 minutes later. */
const endMs = 1_100;
const deadlineMs = endMs + 25 * 60_000;

/** What `Ledger` promises of leases, for any adapter: how they are given, counted, closed, and waited for. */
export function ledgerLeases(name: string, open: OpenLedger): void {
  describe(`${name}: leases`, () => {
    test("one comes with an admission, and the whole of it counts from then on, also after a restart", async () => {
      const opened = await openWith(open, plenty, { limits: { tokensPerDay: 500_000 } });
      const { ledger, org } = opened;
      const lease = makeWish();
      const grant = granted(await ledger.admit(makeRequest(org, { lease })));
      const key = keyRecord(org, 1, { limits: { tokensPerDay: 500_000 } });
      expect(grant.lease).toEqual({ ...lease, key, rates: grant.rates });
      expect(grant.rates.requests).toMatchObject({ remaining: 9_999 });
      for (let i = 0; i < 2; i++) {
        expect(await findWindow(opened, "requestsPerMinute")).toEqual([9_979, 0, 21]);
        expect(await findWindow(opened, "requestsPerHour")).toEqual([9_979, 0, 21]);
        expect(await findWindow(opened, "requestsPerDay")).toEqual([9_979, 21, 0]);
        expect(await findWindow(opened, "concurrency")).toEqual([9_979, 21, 0]);
        expect(await findWindow(opened, "tokensPerMinute")).toEqual([999_370, 630, 0]);
        expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([998_950, 1_050, 0]);
        const state = await ledger.inspect(org);
        expect(state?.windows.find(({ of }) => of === key.id)).toMatchObject({ remaining: 499_370, held: 630 });
        expect(state?.openHolds.map(({ hold }) => hold)).toEqual([grant.hold]);
        await opened.restart();
      }
    });

    test("a refusal brings none, and an admission none that nobody asked for", async () => {
      const opened = await openWith(open, { ...plenty, requestsPerDay: 1 });
      const { ledger, org } = opened;
      expect(granted(await ledger.admit(makeRequest(org))).lease).toBeUndefined();
      const before = await ledger.inspect(org);
      expect(await ledger.admit(makeRequest(org, { lease: makeWish() }))).toMatchObject({ reason: "quota" });
      expect(await ledger.inspect(org)).toEqual(before);
    });

    test("the next one is given by itself, with the rates of the moment, and admits no call", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const lease = makeWish();
      const grant = await ledger.lease(makeCredential(org), lease);
      expect(grant).toEqual({
        ...lease,
        key: keyRecord(org, 1),
        rates: {
          requests: { limit: 10_000, remaining: 10_000, resetMs: 0 },
          tokens: { limit: 1_000_000, remaining: 1_000_000, resetMs: 0 },
        },
      });
      expect(await openLease(opened)).toMatchObject({ rates: { requests: { remaining: 9_980 } } });
      expect((await ledger.inspect(org))?.openHolds).toEqual([]);
    });

    test("none for a key that is not in force, is not proven, or is shown from elsewhere", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const range = { from: "0".repeat(32), to: "1".repeat(32) };
      await ledger.publish(keyRecord(org, 2, { isRevoked: true }));
      await ledger.publish(keyRecord(org, 3, { expiresAtMs: noon }));
      await ledger.publish(keyRecord(org, 4, { ipRanges: [range] }));
      for (const n of [2, 3, 4, 5]) expect(await ledger.lease(makeCredential(org, n), makeWish())).toBeNull();
      const digests = [{ kid: "p1", digest: "e".repeat(64) }];
      expect(await ledger.lease({ ...makeCredential(org), digests }, makeWish())).toBeNull();
      expect(await ledger.lease({ ...makeCredential(org, 4), ip: "0".repeat(32) }, makeWish())).not.toBeNull();
      await ledger.publish({ ...orgRecord(org, plenty, 2), isSuspended: true });
      expect(await ledger.lease(makeCredential(org), makeWish())).toBeNull();
    });

    const wish = { calls: 100, tokens: 3_000, costMicros: 5_000 };
    test.each<[string, object, Partial<LeaseRequest>, Partial<LeaseRequest> | null]>([
      ["all of it without limits", {}, wish, wish],
      ["of calls a minute", { requestsPerMinute: 160 }, wish, { calls: 10, tokens: 300, costMicros: 500 }],
      ["of calls an hour", { requestsPerHour: 175 }, wish, { calls: 10, tokens: 328, costMicros: 546 }],
      ["of calls a day", { requestsPerDay: 800 }, wish, { calls: 50, tokens: 1_500, costMicros: 2_500 }],
      ["of slots", { concurrency: 112 }, wish, { calls: 7, tokens: 210, costMicros: 350 }],
      ["of tokens", { tokensPerDay: 16_000 }, wish, { calls: 33, tokens: 1_000, costMicros: 1_666 }],
      ["of money", { costMicrosPerMonth: 8_000 }, wish, { calls: 10, tokens: 300, costMicros: 500 }],
      ["no tokens of a window without room", { tokensPerDay: 0 }, { ...wish, tokens: 0 }, { calls: 100, tokens: 0 }],
      ["of a single token", { tokensPerDay: 8 }, { ...wish, tokens: 1 }, { calls: 50, tokens: 0 }],
      ["four calls", { requestsPerMinute: 64 }, wish, { calls: 4, tokens: 120, costMicros: 200 }],
      ["none below four calls", { requestsPerMinute: 63 }, wish, null],
      ["none where fewer are asked for", {}, { ...wish, calls: 3 }, null],
      ["256 calls", {}, { ...wish, calls: 1_000, tokens: 10_000 }, { calls: leaseCallsMax, tokens: 2_560 }],
    ])("it takes a sixteenth of what each window has left: %s", async (_, limits, fields, expected) => {
      const both: [object, Partial<KeyRecord>][] = [
        [limits, {}],
        [{}, { limits }],
      ];
      for (const [orgLimits, key] of both) {
        const { ledger, org } = await openWith(open, orgLimits, key);
        const grant = await ledger.lease(makeCredential(org), makeWish(fields));
        if (expected) expect(grant).toMatchObject(expected);
        else expect(grant).toBeNull();
      }
    });

    test("of what earlier calls and leases have left, and of the window with the least", async () => {
      const opened = await openWith(open, { requestsPerMinute: 176, requestsPerDay: 100_000 });
      await fill(opened, 16);
      expect((await openLease(opened)).calls).toBe(10);
      expect((await openLease(opened)).calls).toBe(9);
    });

    test("none crosses midnight, in UTC, or the key's expiry", async () => {
      const midnight = Date.UTC(2032, 2, 2);
      for (const [atMs, isGiven] of [
        [midnight - endMs - 1, true],
        [midnight - endMs, false],
      ] as const) {
        const { ledger, org } = await openWith(open, plenty, {}, atMs);
        expect((await ledger.lease(makeCredential(org), makeWish())) !== null).toBe(isGiven);
        const grant = granted(await ledger.admit(makeRequest(org, { lease: makeWish() })));
        expect(grant.lease !== undefined).toBe(isGiven);
      }
      for (const [expiresAtMs, isGiven] of [
        [noon + endMs, true],
        [noon + endMs - 1, false],
      ] as const) {
        const { ledger, org } = await openWith(open, plenty, { expiresAtMs });
        expect((await ledger.lease(makeCredential(org), makeWish())) !== null).toBe(isGiven);
      }
    });

    test("a name is given once, and an org has a bounded number of leases", async () => {
      const opened = await openWith(open, {});
      const { ledger, org, clock } = opened;
      const id = freshLease();
      const first = await openLease(opened, { id });
      expect(await ledger.lease(makeCredential(org), makeWish({ id }))).toBeNull();
      for (let n = 1; n < leasesMax; n++) await openLease(opened);
      expect(await ledger.lease(makeCredential(org), makeWish())).toBeNull();
      // An admission goes on without.
      const alone = granted(await ledger.admit(makeRequest(org, { lease: makeWish() })));
      expect(alone.lease).toBeUndefined();
      await ledger.closeLease(org, makeClosing(first, 0));
      await openLease(opened);
      expect(await ledger.lease(makeCredential(org), makeWish())).toBeNull();
      clock.advance(deadlineMs);
      await openLease(opened);
    });

    test("its attempts count at its end, one bucket's width longer than the window", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      clock.set(noon + 900);
      await fill(opened, 1);
      await openLease(opened);
      const at = async (ms: number) => {
        clock.set(noon + ms);
        return (await findWindow(opened, "requestsPerMinute"))[2];
      };
      const state = await ledger.inspect(org);
      expect(state?.windows.find(({ window }) => window === "requestsPerMinute")?.resetAtMs).toBe(noon + 63_000);
      expect([await at(60_999), await at(61_000), await at(62_999), await at(63_000)]).toEqual([21, 20, 20, 0]);
    });

    test("one that ends in the next bucket drops none that counts now, and later calls stand before it", async () => {
      const opened = await openWith(open, plenty);
      const { clock } = opened;
      await fill(opened, 1);
      clock.set(noon + 60_500);
      await openLease(opened);
      await fill(opened, 2);
      const at = async (ms: number) => {
        clock.set(noon + ms);
        return (await findWindow(opened, "requestsPerMinute"))[2];
      };
      // One until 61 s, two until 121 s, and the lease of 61.6 s until 122 s.
      expect([await at(60_999), await at(61_000), await at(120_999)]).toEqual([23, 22, 22]);
      expect([await at(121_000), await at(121_999), await at(122_000)]).toEqual([20, 20, 0]);
    });

    test("closed, what was not spent goes back, once, however often it is told and whatever it says then", async () => {
      const opened = await openWith(open, plenty, { limits: { requestsPerMinute: 9_000 } });
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const closing = makeClosing(grant, 5, { attempts: 7 });
      const later = [closing, closing, makeClosing(grant, 0), makeClosing(grant, 20)];
      for (const each of later) {
        await ledger.closeLease(org, each);
        // Seven attempts stay counted, though two of those calls were given back.
        expect(await findWindow(opened, "requestsPerMinute")).toEqual([9_993, 0, 7]);
        expect(await findWindow(opened, "requestsPerDay")).toEqual([9_995, 5, 0]);
        expect(await findWindow(opened, "concurrency")).toEqual([9_995, 5, 0]);
        expect(await findWindow(opened, "tokensPerDay")).toEqual([999_850, 150, 0]);
        expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([999_750, 250, 0]);
        const own = (await ledger.inspect(org))?.windows.find(({ of }) => of === keyId(org, 1));
        expect(own).toMatchObject({ remaining: 8_993, settled: 7 });
        await opened.restart();
      }
      const before = await ledger.inspect(org);
      await ledger.closeLease(org, makeClosing({ ...grant, id: freshLease() }, 3));
      expect(await ledger.inspect(org)).toEqual(before);
    });

    test("a closing that claims more than was granted takes nothing from anyone else", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      await fill(opened, 1);
      const grant = await openLease(opened);
      await ledger.closeLease(org, makeClosing(grant, 500));
      expect(await findWindow(opened, "concurrency")).toEqual([9_979, 21, 0]);
      expect(await findWindow(opened, "requestsPerMinute")).toEqual([9_979, 0, 21]);
    });

    test("never closed, all but attempts goes back at its deadline; closed, its unsettled calls stay", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      await openLease(opened);
      const closed = await openLease(opened);
      await ledger.closeLease(org, makeClosing(closed, 5));
      clock.set(noon + deadlineMs - 1);
      expect(await findWindow(opened, "concurrency")).toEqual([9_975, 25, 0]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_975, 25, 0]);
      await opened.restart();
      clock.set(noon + deadlineMs);
      // A usage query is what a cron does: nobody calls this org any more.
      await opened.usage();
      expect(await findWindow(opened, "concurrency")).toEqual([10_000, 0, 0]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_995, 0, 5]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([1_000_000, 0, 0]);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([1_000_000, 0, 0]);
    });
  });

  describe(`${name}: what waits for leases`, () => {
    /** How long a publication waits: by its own account, else by a real clock. */
    const timePublish = async ({ ledger, waited }: OpenedOrg, record: OrgRecord | KeyRecord): Promise<number> => {
      const read = waited ?? (() => performance.now());
      const beforeMs = read();
      await ledger.publish(record);
      return read() - beforeMs;
    };
    const expectWait = ({ waited }: OpenedOrg, ms: number, expected: number) => {
      if (waited) return expect(ms).toBe(expected);
      // A timer of Node may fire a millisecond early.
      expect(ms).toBeGreaterThanOrEqual(expected - 2);
      return expect(ms).toBeLessThan(expected + 900);
    };

    test("a key's record waits for its own leases, an org's for all, to their end; none for none", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      await ledger.publish(keyRecord(org, 2));
      expectWait(opened, await timePublish(opened, keyRecord(org, 1, { version: 2 })), 0);
      await openLease(opened);
      clock.advance(300);
      expectWait(opened, await timePublish(opened, keyRecord(org, 2, { version: 2 })), 0);
      await opened.restart();
      expectWait(opened, await timePublish(opened, keyRecord(org, 1, { version: 3 })), endMs - 300);
      expectWait(opened, await timePublish(opened, orgRecord(org, plenty, 2)), endMs - 300);
      // Also behind an older record: the newer may not have been answered yet.
      expectWait(opened, await timePublish(opened, keyRecord(org, 1)), endMs - 300);
      clock.advance(endMs - 300);
      expectWait(opened, await timePublish(opened, keyRecord(org, 1, { version: 4 })), 0);
    });

    test("not for a lease that is closed, and for the last of several", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      await openLease(opened);
      clock.advance(200);
      const last = await openLease(opened);
      expectWait(opened, await timePublish(opened, orgRecord(org, plenty, 2)), endMs);
      await ledger.closeLease(org, makeClosing(last, 4));
      expectWait(opened, await timePublish(opened, orgRecord(org, plenty, 3)), endMs - 200);
    });

    test("with a clock that was set back no longer than a lease lives", async () => {
      const opened = await openWith(open, plenty);
      await openLease(opened);
      opened.clock.advance(-3_600_000);
      expectWait(opened, await timePublish(opened, orgRecord(opened.org, plenty, 2)), endMs);
    });

    test("a closing is as late as it is told: a clock that is set back then is read as that", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      const grant = await openLease(opened);
      clock.advance(500);
      await ledger.closeLease(org, makeClosing(grant, 2));
      clock.advance(-3_600_000);
      await opened.restart();
      expect((await ledger.inspect(org))?.atMs).toBe(noon + 500);
    });

    test("from the record on no lease is given under the one before", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      await openLease(opened);
      const limits = { tokensPerDay: 3_200 };
      const waiting = ledger.publish(keyRecord(org, 1, { limits, version: 2 }));
      const next = await ledger.lease(makeCredential(org), makeWish());
      if (next) expect([next.key.version, next.tokens]).toEqual([2, 200]);
      await waiting;
      expect(await ledger.lease(makeCredential(org), makeWish())).toMatchObject({ key: { limits, version: 2 } });
      await ledger.publish(keyRecord(org, 1, { isRevoked: true, version: 3 }));
      expect(await ledger.lease(makeCredential(org), makeWish())).toBeNull();
    });
  });

  describe(`${name}: hostile leases`, () => {
    test("nothing but plain numbers within bounds and proper names, and a refusal changes nothing", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const before = await ledger.inspect(org);
      const wishes: [Partial<LeaseRequest>, string][] = [
        [{ id: "__proto__" }, "lease.id"],
        [{ id: `${freshLease()}\n` }, "lease.id"],
        [{ calls: -1 }, "lease.calls"],
        [{ calls: 4.5 }, "lease.calls"],
        [{ tokens: Number.NaN }, "lease.tokens"],
        [{ tokens: -0 }, "lease.tokens"],
        [{ costMicros: leaseCostMicrosMax + 1 }, "lease.costMicros"],
        [{ ttlMs: 0 }, "lease.ttlMs"],
        [{ ttlMs: 5_001 }, "lease.ttlMs"],
        [{ holdMsMax: 0 }, "lease.holdMsMax"],
        [{ holdMsMax: 24 * 3_600_000 + 1 }, "lease.holdMsMax"],
      ];
      for (const [fields, field] of wishes) {
        await expect(ledger.lease(makeCredential(org), makeWish(fields))).rejects.toThrow(field);
        await expect(ledger.admit(makeRequest(org, { lease: makeWish(fields) }))).rejects.toThrow(field);
      }
      await expect(ledger.lease({ ...makeCredential(org), key: "toString" }, makeWish())).rejects.toThrow("key");
      for (const [fields, field] of [
        [{ lease: "constructor" }, "closing.lease"],
        [{ attempts: -5 }, "closing.attempts"],
        [{ calls: 0.5 }, "closing.calls"],
        [{ tokens: Infinity }, "closing.tokens"],
        [{ costMicros: -1 }, "closing.costMicros"],
      ] as const)
        await expect(ledger.closeLease(org, makeClosing(grant, 2, fields))).rejects.toThrow(field);
      expect(await ledger.inspect(org)).toEqual(before);
    });
  });
}
