import { describe, expect, test } from "vitest";
import {
  makeRequest,
  freshHold,
  granted,
  keyId,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
  openWith,
  type OpenLedger,
} from "../ledger-fixtures.ts";

/** What `Ledger` promises of keys, of what they may do and of looking at them, for any adapter. */
export function ledgerKeys(name: string, open: OpenLedger): void {
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
      const { ledger, org, clock } = await openWith(open, {}, { expiresAtMs: noon + 1_000 });
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
      const { ledger, org } = await openWith(open, {}, { version: 5, isRevoked: true });
      await ledger.publish(keyRecord(org, 1, { version: 4 }));
      expect(await ledger.admit(makeRequest(org))).toMatchObject({ reason: "key" });
      expect(await ledger.settle(org, [])).toEqual([]);
      await expect(ledger.settle(org, [makeRecord("org_zzzzzzzzzz", freshHold())])).rejects.toThrow("record.org");
    });

    test("address, endpoint and model are checked in this order, before any window", async () => {
      const range = { from: `${"0".repeat(20)}ffff0a000000`, to: `${"0".repeat(20)}ffff0a0000ff` };
      const { ledger, org } = await openWith(
        open,
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
        open,
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
}
