import { describe, expect, test } from "vitest";
import { keyRetentionMs } from "#edge/limits.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import {
  freshHold,
  granted,
  keyId,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
  orgRecord,
  type OpenLedger,
} from "../ledger-fixtures.ts";

const no = { kind: "denial", reason: "key" };
const day = 24 * 60 * 60_000;
const limits = { requestsPerDay: 5, costMicrosPerMonth: 1_000 };

/** What `Ledger` promises of keys that ended so long ago that no window counts them, for any adapter. */
export function ledgerLeaving(name: string, open: OpenLedger): void {
  /** An org that has had a call, so that its ledger's clock never goes back behind noon. */
  const openOrg = async () => {
    const opened = await open(noon);
    const { ledger, org, clock } = opened;
    await ledger.publish(orgRecord(org, {}));
    await ledger.publish(keyRecord(org, 9));
    const { hold } = granted(await ledger.admit(makeRequest(org, { key: keyId(org, 9) })));
    await ledger.settle(org, [makeRecord(org, hold)]);
    const publish = (n: number, fields: Partial<KeyRecord>) => ledger.publish(keyRecord(org, n, { limits, ...fields }));
    const admit = (n: number, fields = {}) => ledger.admit(makeRequest(org, { key: keyId(org, n), ...fields }));
    const settle = (hold: string, fields = {}) => ledger.settle(org, [makeRecord(org, hold, fields)]);
    /** Held and settled money of the month, by key: of those that the ledger knows. */
    const read = async () => {
      const windows = (await ledger.inspect(org))?.windows ?? [];
      const month = windows.filter(({ of, window }) => of !== "org" && window === "costMicrosPerMonth");
      return Object.fromEntries(month.map(({ of, held, settled }) => [of.slice(-1), [held, settled]]));
    };
    const go = (ms: number) => clock.set(noon + ms);
    return { ...opened, publish, admit, settle, read, go };
  };

  describe(`${name}: keys that ended long ago`, () => {
    test("a revoked key stays 38 days, not one ms more; whoever asks for it is told what they were told", async () => {
      const { ledger, org, publish, admit, settle, read, go, restart } = await openOrg();
      await publish(1, {});
      await settle(granted(await admit(1)).hold);
      await publish(1, { isRevoked: true, version: 2 });
      expect(keyRetentionMs).toBe(38 * day);
      go(38 * day - 1);
      expect(Object.keys(await read())).toEqual(["1"]);
      expect(await admit(1)).toEqual(no);
      await restart();
      expect(Object.keys(await read())).toEqual(["1"]);
      go(38 * day);
      expect(await read()).toEqual({});
      await restart();
      expect(await read()).toEqual({});
      expect(await admit(1)).toEqual(no);
      expect(await ledger.introspect(makeRequest(org))).toEqual(no);
      granted(await admit(9));
    });

    test("a key that expires stays 38 days from then on, also one whose expiry is published late", async () => {
      const { publish, read, go } = await openOrg();
      await publish(1, { expiresAtMs: noon + day });
      go(-3_600_000);
      await publish(2, { expiresAtMs: noon - 90 * day });
      await publish(3, { expiresAtMs: noon + day });
      go(2 * day);
      await publish(3, { expiresAtMs: null, version: 2 });
      go(38 * day - 1);
      expect(Object.keys(await read())).toEqual(["1", "2", "3"]);
      go(38 * day);
      expect(Object.keys(await read())).toEqual(["1", "3"]);
      go(39 * day - 1);
      expect(Object.keys(await read())).toEqual(["1", "3"]);
      go(39 * day);
      expect(Object.keys(await read())).toEqual(["3"]);
    });

    test("its end is the first time that it was published revoked, however often it is", async () => {
      const { publish, read, go } = await openOrg();
      await publish(1, { isRevoked: true, version: 2 });
      go(20 * day);
      await publish(1, { isRevoked: true, version: 2 });
      await publish(1, { isRevoked: true, version: 3 });
      go(38 * day - 1);
      expect(Object.keys(await read())).toEqual(["1"]);
      go(38 * day);
      expect(await read()).toEqual({});
    });

    test("no record of a version that it had, or an older one, brings a key back; a higher one does", async () => {
      const { publish, admit, read, go, restart } = await openOrg();
      await publish(1, {});
      granted(await admit(1));
      await publish(1, { isRevoked: true, version: 3 });
      go(38 * day);
      for (const version of [1, 2]) await publish(1, { version });
      expect(await admit(1)).toEqual(no);
      for (const version of [1, 2, 3]) await publish(1, { version });
      expect([await read(), await admit(1)]).toEqual([{}, no]);
      await restart();
      for (const version of [1, 2, 3]) await publish(1, { version });
      expect([await read(), await admit(1)]).toEqual([{}, no]);
      await publish(1, { version: 4 });
      granted(await admit(1));
      expect(await read()).toEqual({ 1: [50, 0] });
      await publish(1, { version: 3, isRevoked: true });
      granted(await admit(1));
    });

    test("a predecessor leaves alone: what its lineage has used stays as long as one of its keys", async () => {
      const { org, publish, admit, settle, read, go, restart } = await openOrg();
      const lineage = keyId(org, 1);
      await publish(1, {});
      await publish(2, { lineage });
      await settle(granted(await admit(1)).hold);
      await publish(1, { isRevoked: true, version: 2 });
      go(38 * day - 1);
      await settle(granted(await admit(2)).hold);
      const { hold } = granted(await admit(2));
      expect(await read()).toEqual({ 1: [50, 50], 2: [50, 50] });
      go(38 * day);
      expect(await read()).toEqual({ 2: [50, 50] });
      await restart();
      await settle(hold);
      expect(await read()).toEqual({ 2: [0, 100] });
      await publish(3, { lineage });
      granted(await admit(3));
      expect(await read()).toEqual({ 2: [50, 100], 3: [50, 100] });
    });

    test("a late word on a call of a key that has left is billed, and counted to the org alone", async () => {
      const { ledger, org, publish, admit, settle, read, go, restart, usage } = await openOrg();
      await publish(1, {});
      const { hold } = granted(await admit(1));
      await settle(hold, { isFinal: false, completionTokens: 3 });
      await publish(1, { isRevoked: true, version: 2 });
      go(40 * day);
      expect(await read()).toEqual({});
      expect(await settle(hold)).toEqual([{ hold, result: "adjusted" }]);
      expect(await settle(freshHold())).toMatchObject([{ result: "unknown" }]);
      await restart();
      expect(await settle(hold)).toEqual([{ hold, result: "repeated" }]);
      const rows = (await usage()).filter((row) => row.hold === hold);
      expect(rows.map(({ key, end, completionTokens }) => [key, end, completionTokens])).toEqual([
        [keyId(org, 1), "expired", 3],
        [keyId(org, 1), "adjusted", 17],
      ]);
      expect((await ledger.inspect(org))?.openHolds).toEqual([]);
      await publish(1, { version: 3 });
      expect(await read()).toEqual({ 1: [0, 0] });
    });
  });
}
