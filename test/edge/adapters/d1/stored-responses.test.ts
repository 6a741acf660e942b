import { env } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import { d1StorageControl } from "#edge/adapters/d1/storage-control.ts";
import { d1ResponseStore, nameObject, nameOldest, waitForD1, waitForR2 } from "#edge/adapters/d1/stored-responses.ts";
import type { StoredResponse } from "#edge/storage/port.ts";
import { responseStoreContract } from "#test/contracts/storage/response-store-contract.ts";
import { DB, migrate } from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

const { RESPONSES } = env as unknown as { RESPONSES: R2Bucket };
const bindings = { db: DB, bucket: RESPONSES };

beforeAll(migrate);

let orgs = 0;
async function makeOrg() {
  const org = `org_${String(++orgs).padStart(10, "0")}`;
  await DB.prepare("INSERT INTO orgs (id, name, plan, limits, created_at_ms) VALUES (?, 'x', 'standard', '{}', 0)")
    .bind(org)
    .run();
  return org;
}

/** All objects of an org, by name. */
async function listNames(org: string): Promise<string[]> {
  const names: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await RESPONSES.list(cursor === undefined ? {} : { cursor });
    names.push(...page.objects.map(({ key }) => key));
    if (!page.truncated) return names.filter((name) => name.includes(org));
    cursor = page.cursor;
  }
}

async function countRows(org: string): Promise<number> {
  const row = await DB.prepare("SELECT COUNT(*) AS rows FROM stored_responses WHERE org = ?").bind(org).first<{
    rows: number;
  }>();
  return row?.rows ?? 0;
}

responseStoreContract("D1 and R2", async () => ({
  store: { ...d1ResponseStore(bindings), ...d1StorageControl(bindings) },
  makeOrg,
  async count(org) {
    const [rows, names] = await Promise.all([countRows(org), listNames(org)]);
    expect(names).toHaveLength(rows);
    return rows;
  },
}));

const key = { id: "okey_here", kid: "s1", wrapped: "x" };

async function openOrg() {
  const org = await makeOrg();
  const fresh = { ...key, id: `okey_here_${org}` };
  await d1StorageControl(bindings).switchOn(org, 24, fresh, 0);
  const response: StoredResponse = {
    org,
    id: `resp_${org.slice(4).padStart(22, "z")}`,
    key: fresh.id,
    previous: null,
    createdAtMs: 1_000,
    sealed: { items: new Uint8Array([1]), rest: new Uint8Array([2]) },
  };
  return { org, response };
}

test("a row without its bytes, or with too many, is as none; a database that fails leaves no bytes", async () => {
  const { org, response } = await openOrg();
  const store = d1ResponseStore(bindings);
  await store.put(response);
  const [name = ""] = await listNames(org);
  await RESPONSES.put(name, "longer than it was");
  expect(await store.read(org, response.id, 1_000)).toBeNull();
  await RESPONSES.delete(name);
  expect(await store.read(org, response.id, 1_000)).toBeNull();
  const bounds = { nowMs: 1_000, bytesMax: 9 };
  expect(await store.readChain(org, response.id, bounds)).toEqual({ links: [], isWhole: false, isLong: false });

  const failing = { prepare: () => ({ bind: () => ({ run: () => Promise.reject(new Error("D1 is down")) }) }) };
  const broken = d1ResponseStore({ db: failing as unknown as D1Database, bucket: RESPONSES });
  await expect(broken.put({ ...response, createdAtMs: 2_000 })).rejects.toThrow("D1 is down");
  expect(await listNames(org)).toEqual([]);
});

test("names of objects are in the order of their age", () => {
  const name = (created_at_ms: number) => nameObject("org_x", { id: "resp_x", created_at_ms });
  const dayMs = 24 * 3_600_000;
  const nowMs = 1_800_000_000_000;
  expect([name(9), name(10), name(nowMs)].toSorted()).toEqual([name(9), name(10), name(nowMs)]);
  expect(name(nowMs - 31 * dayMs - 1) < nameOldest(nowMs)).toBe(true);
  expect(name(nowMs - 31 * dayMs) < nameOldest(nowMs)).toBe(false);
  expect(nameOldest(0)).toBe("000000000000000");
});

test("who does not answer in time is out of reach, and is named", async () => {
  await expect(waitForD1(Promise.resolve(1))).resolves.toBe(1);
  await expect(waitForR2(Promise.reject(new Error("no")))).rejects.toThrow("no");
});
