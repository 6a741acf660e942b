import { describe, expect, test } from "vitest";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { KeyLimits } from "#edge/agreements/records/quota.ts";
import {
  makeRequest,
  granted,
  keyId,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
  exceeded,
  type OpenLedger,
} from "../ledger-fixtures.ts";

/** What `Ledger` promises of keys that came from one another by rotation, for any adapter. */
export function ledgerLineage(name: string, open: OpenLedger): void {
  /** Keys 1, 2 and 3 are one chain with these limits; a fourth has nothing to do with them. */
  const openChain = async (...limits: [KeyLimits | null, KeyLimits | null, KeyLimits | null]) => {
    const opened = await open(noon);
    const { ledger, org } = opened;
    await ledger.publish(orgRecord(org, {}));
    const publish = (n: number, fields: Partial<KeyRecord>) => ledger.publish(keyRecord(org, n, fields));
    await publish(1, { limits: limits[0] });
    for (const n of [2, 3]) await publish(n, { limits: limits[n - 1] ?? null, lineage: keyId(org, 1) });
    await publish(4, { limits: limits[0] });
    const admit = (n: number, fields = {}) => ledger.admit(makeRequest(org, { key: keyId(org, n), ...fields }));
    /** `[limit, remaining, held, settled]` of a key's own window. */
    const read = async (n: number, window: string) => {
      const state = await ledger.inspect(org);
      const found = state?.windows.find((each) => each.of === keyId(org, n) && each.window === window);
      return [found?.limit, found?.remaining, found?.held, found?.settled];
    };
    return { ...opened, admit, read, publish };
  };

  describe(`${name}: rotated keys`, () => {
    test.each([
      ["requestsPerMinute", 2],
      ["requestsPerHour", 2],
      ["requestsPerDay", 2],
      ["concurrency", 2],
      ["tokensPerMinute", 60],
      ["tokensPerDay", 60],
      ["tokensPerMonth", 60],
      ["costMicrosPerMonth", 100],
    ] as const)("a chain of rotations has one %s, whichever key calls", async (window, limit) => {
      const limits = { [window]: limit };
      const { admit, read } = await openChain(limits, limits, limits);
      granted(await admit(1));
      granted(await admit(2));
      for (const n of [3, 2, 1]) expect(exceeded(await admit(n))).toMatchObject({ window, of: "key", limit });
      expect(await read(3, window)).toEqual(await read(1, window));
      granted(await admit(4));
    });

    test("each key of a chain is checked by its own limit against what all have used", async () => {
      const { admit, read } = await openChain({ requestsPerDay: 1 }, { requestsPerDay: 3 }, { requestsPerDay: 2 });
      granted(await admit(1));
      expect(exceeded(await admit(1)).limit).toBe(1);
      granted(await admit(3));
      expect(exceeded(await admit(3)).limit).toBe(2);
      granted(await admit(2));
      expect(exceeded(await admit(2)).limit).toBe(3);
      expect(await read(1, "requestsPerDay")).toEqual([1, -2, 3, 0]);
      expect(await read(2, "requestsPerDay")).toEqual([3, 0, 3, 0]);
    });

    test("what a successor settles or gives back is settled and free for its predecessor as well", async () => {
      const limits = { tokensPerDay: 100, concurrency: 2 };
      const { ledger, org, admit, read } = await openChain(limits, limits, limits);
      const [one, two] = [granted(await admit(1)).hold, granted(await admit(3)).hold];
      expect(exceeded(await admit(2)).window).toBe("concurrency");
      await ledger.settle(org, [makeRecord(org, two, { promptTokens: 5, completionTokens: 5 })]);
      expect(await read(1, "tokensPerDay")).toEqual([100, 60, 30, 10]);
      await ledger.release(org, one);
      for (const n of [1, 2, 3]) expect(await read(n, "tokensPerDay")).toEqual([100, 90, 0, 10]);
      expect(await read(2, "concurrency")).toEqual([2, 2, 0, 0]);
    });

    test("a predecessor denied over its successor's slot learns that call's deadline", async () => {
      const { admit } = await openChain({ concurrency: 1 }, { concurrency: 1 }, null);
      granted(await admit(2, { ttlMs: 5_000 }));
      expect(exceeded(await admit(1))).toMatchObject({ window: "concurrency", resetAtMs: noon + 5_000 });
    });

    test("a hold settles in the counters it was held in, even after a change of its key or a restart", async () => {
      const limits = { requestsPerDay: 5, concurrency: 5 };
      const { ledger, org, admit, read, publish, restart } = await openChain(limits, limits, null);
      const own = granted(await admit(4)).hold;
      const shared = granted(await admit(2)).hold;
      await publish(4, { limits, lineage: keyId(org, 1), version: 2 });
      await publish(2, { limits, version: 2 });
      await restart();
      expect(await ledger.settle(org, [makeRecord(org, own), makeRecord(org, shared)])).toMatchObject([
        { result: "settled" },
        { result: "settled" },
      ]);
      expect(await read(1, "requestsPerDay")).toEqual([5, 4, 0, 1]);
      expect(await read(4, "requestsPerDay")).toEqual([5, 4, 0, 1]);
      expect(await read(2, "requestsPerDay")).toEqual([5, 5, 0, 0]);
      await publish(4, { limits, version: 3 });
      expect(await read(4, "requestsPerDay")).toEqual([5, 4, 0, 1]);
      expect(await read(4, "concurrency")).toEqual([5, 5, 0, 0]);
    });

    test("an open hold and a line of the bill name the key that called, not the first of its chain", async () => {
      const { ledger, org, admit, usage } = await openChain({ requestsPerDay: 5 }, { requestsPerDay: 5 }, null);
      const { hold } = granted(await admit(2));
      expect((await ledger.inspect(org))?.openHolds).toMatchObject([{ hold, key: keyId(org, 2) }]);
      await ledger.settle(org, [makeRecord(org, hold)]);
      expect(await usage()).toMatchObject([{ hold, key: keyId(org, 2) }]);
    });
  });
}
