import { describe, expect, test } from "vitest";
import type { OrgId, ResponseId } from "#edge/agreements/tokens/ids.ts";
import { chainMax } from "#edge/agreements/stored-limits.ts";
import type { ResponseStore, StorageControl, StoredResponse, WrappedKey } from "#edge/storage/port.ts";

/** A store, a new org in it, and what it really holds. */
export interface StoreUnderTest {
  store: ResponseStore & StorageControl;
  makeOrg(): Promise<OrgId>;
  /** Responses of an org whose bytes are there, in force or not. */
  count(org: OrgId): Promise<number>;
}

const t0 = 1_800_000_000_000;
const hourMs = 3_600_000;
let made = 0;
const nextId = () => `resp_${String(++made).padStart(22, "0")}`;
const nextKey = (): WrappedKey => ({ id: `okey_${++made}`, kid: "s1", wrapped: `wrapped${made}` });
const bytes = (...values: number[]) => new Uint8Array(values);

/** Every promise of `ResponseStore` and `StorageControl`, for any adapter that keeps them. */
export function responseStoreContract(adapter: string, open: () => Promise<StoreUnderTest>): void {
  const openOrg = async (hours: number | null = 24) => {
    const { store, makeOrg, count } = await open();
    const org = await makeOrg();
    const key = nextKey();
    if (hours !== null) await store.switchOn(org, hours, key, t0);
    const write = (over: Partial<StoredResponse> = {}): StoredResponse => ({
      org,
      id: nextId(),
      key: key.id,
      previous: null,
      createdAtMs: t0,
      sealed: { items: bytes(1, 2, 3), rest: bytes(4, 5) },
      ...over,
    });
    const put = async (over: Partial<StoredResponse> = {}) => {
      const response = write(over);
      expect(await store.put(response)).toBe(true);
      return response;
    };
    const bounds = { nowMs: t0, bytesMax: 1_000_000 };
    return { store, org, key, write, put, bounds, makeOrg, count: () => count(org) };
  };

  describe(`${adapter}: an org's storage`, () => {
    test("is off until it is switched on, and its key stays the same from then on", async () => {
      const { store, org, key } = await openOrg(null);
      expect(await store.findStorage(org)).toBeNull();
      await store.switchOn(org, 3, key, t0);
      expect(await store.findStorage(org)).toEqual({ hours: 3, key });
      await store.switchOn(org, 720, nextKey(), t0 + 1);
      expect(await store.findStorage(org)).toEqual({ hours: 720, key });
      await store.switchOff(org);
      expect(await store.findStorage(org)).toBeNull();
      const fresh = nextKey();
      await store.switchOn(org, 1, fresh, t0);
      expect((await store.findStorage(org))?.key).toEqual(fresh);
    });

    test("has its key sealed anew without another change, and not once it is shredded", async () => {
      const { store, org, key } = await openOrg();
      const isOurs = (one: { org: string }) => one.org === org;
      expect((await store.listOtherKeys("s1")).filter(isOurs)).toEqual([]);
      expect((await store.listOtherKeys("s2")).filter(isOurs)).toEqual([{ org, ...key }]);
      await store.rewrap({ ...key, kid: "s2", wrapped: "anew" });
      expect(await store.findStorage(org)).toEqual({ hours: 24, key: { id: key.id, kid: "s2", wrapped: "anew" } });
      await store.switchOff(org);
      await store.rewrap({ ...key, kid: "s3", wrapped: "back" });
      expect(await store.findStorage(org)).toBeNull();
    });
  });

  describe(`${adapter}: a response`, () => {
    test("is read as it was put, by its own org alone", async () => {
      const { store, org, put, makeOrg } = await openOrg();
      const { id, sealed } = await put({ sealed: { items: bytes(7), rest: bytes(8, 9) } });
      const other = await makeOrg();
      await store.switchOn(other, 24, nextKey(), t0);
      expect(await store.read(org, id, t0)).toEqual(sealed);
      expect(await store.read(other, id, t0)).toBeNull();
      expect(await store.delete(other, id, t0)).toBe(false);
      expect((await store.readChain(other, id, { nowMs: t0, bytesMax: 99 })).links).toEqual([]);
      expect(await store.read(org, nextId(), t0)).toBeNull();
      expect(await store.read(org, id, t0)).toEqual(sealed);
    });

    test("is there for its org's hours of today, exactly", async () => {
      const { store, org, key, put } = await openOrg(2);
      const { id } = await put();
      const isThere = async (nowMs: number) => (await store.read(org, id, nowMs)) !== null;
      expect([await isThere(t0 + 2 * hourMs - 1), await isThere(t0 + 2 * hourMs)]).toEqual([true, false]);
      expect(await store.delete(org, id, t0 + 2 * hourMs)).toBe(false);
      await store.switchOn(org, 1, key, t0);
      expect([await isThere(t0 + hourMs - 1), await isThere(t0 + hourMs)]).toEqual([true, false]);
      await store.switchOn(org, 3, key, t0);
      expect(await isThere(t0 + 3 * hourMs - 1)).toBe(true);
    });

    test("is deleted with its bytes, once", async () => {
      const { store, org, put, count } = await openOrg();
      const { id } = await put();
      await put();
      expect([await store.delete(org, id, t0), await store.delete(org, id, t0)]).toEqual([true, false]);
      expect([await store.read(org, id, t0), await count()]).toEqual([null, 1]);
    });

    test("is not stored under a key that is not its org's, nor without storage; nothing of it stays", async () => {
      const { store, org, key, write, count } = await openOrg();
      expect(await store.put(write({ key: "okey_other" }))).toBe(false);
      await store.switchOff(org);
      expect(await store.put(write({ key: key.id }))).toBe(false);
      expect(await count()).toBe(0);
    });
  });

  describe(`${adapter}: a conversation`, () => {
    test("comes the oldest first, and says whether it goes back to its beginning", async () => {
      const { store, org, put, bounds } = await openOrg();
      const first = await put({ sealed: { items: bytes(1), rest: bytes(0) } });
      const second = await put({ previous: first.id, sealed: { items: bytes(2), rest: bytes(0) } });
      const third = await put({ previous: second.id, sealed: { items: bytes(3), rest: bytes(0) } });
      const read = async () => {
        const { links, isWhole } = await store.readChain(org, third.id, bounds);
        return [links.map(({ items }) => items[0]), isWhole];
      };
      expect(await read()).toEqual([[1, 2, 3], true]);
      await store.delete(org, first.id, t0);
      expect(await read()).toEqual([[2, 3], false]);
      await store.delete(org, third.id, t0);
      expect(await read()).toEqual([[], false]);
    });

    test("ends where a response was kept long enough", async () => {
      const { store, org, put } = await openOrg(1);
      const first = await put();
      const second = await put({ previous: first.id, createdAtMs: t0 + 1 });
      const read = async (nowMs: number) => {
        const { links, isWhole } = await store.readChain(org, second.id, { nowMs, bytesMax: 99 });
        return [links.length, isWhole];
      };
      expect(await read(t0 + hourMs - 1)).toEqual([2, true]);
      expect(await read(t0 + hourMs)).toEqual([1, false]);
      expect(await read(t0 + hourMs + 1)).toEqual([0, false]);
    });

    test("is not read where it is too long: by its bytes, or by its responses", async () => {
      const { store, org, put, bounds } = await openOrg();
      const long = { links: [], isWhole: false, isLong: true };
      const chain: ResponseId[] = [];
      for (let at = 0; at <= chainMax; at++)
        chain.push((await put({ previous: chain.at(-1) ?? null, sealed: { items: bytes(at), rest: bytes() } })).id);
      const [last = "", before = ""] = chain.toReversed();
      expect(await store.readChain(org, last, bounds)).toEqual(long);
      const whole = await store.readChain(org, before, bounds);
      expect([whole.links.length, whole.isWhole, whole.isLong]).toEqual([chainMax, true, false]);
      expect((await store.readChain(org, before, { ...bounds, bytesMax: chainMax })).isWhole).toBe(true);
      expect(await store.readChain(org, before, { ...bounds, bytesMax: chainMax - 1 })).toEqual(long);
    });
  });

  describe(`${adapter}: the sweep`, () => {
    test("takes the bytes of what was kept long enough, and nothing else", async () => {
      const { store, org, put, count } = await openOrg(1);
      await put();
      const young = await put({ createdAtMs: t0 + 1 });
      await store.sweep(t0 + hourMs - 1);
      expect(await count()).toBe(2);
      await store.sweep(t0 + hourMs);
      expect([await count(), await store.read(org, young.id, t0 + hourMs)]).toEqual([1, young.sealed]);
    });

    test("takes all that stood under a key that was shredded, and leaves what the next one has", async () => {
      const { store, org, put, count } = await openOrg();
      await put();
      await put();
      await store.switchOff(org);
      const fresh = nextKey();
      await store.switchOn(org, 24, fresh, t0);
      const { id, sealed } = await put({ key: fresh.id });
      await store.sweep(t0);
      await store.sweep(t0);
      expect([await count(), await store.read(org, id, t0)]).toEqual([1, sealed]);
    });
  });
}
