import { isResponseId, type OrgId, type ResponseId } from "../../agreements/tokens/ids.ts";
import { chainMax, responseHoursMax, storageWaitMsMax } from "../../agreements/stored-limits.ts";
import type { ResponseStore, SealedItems, StoredChain, StoredResponse } from "../../storage/port.ts";
import { within } from "../within.ts";

/** Where stored responses lie: what there is in D1, and what it says, sealed, in R2. */
export interface StorageBindings {
  db: D1Database;
  bucket: R2Bucket;
}

const hourMs = 3_600_000;

/**
 * A row is there while its org has storage, by the org's hours of today, and its key is not shredded. `?1` is the org,
 * `?2` the time.
 */
const isThere = `
  s.org = ?1 AND o.id = s.org AND k.id = s.key AND k.wrapped IS NOT NULL
  AND s.created_at_ms + o.response_hours * ${hourMs} > ?2`;
const columns = "s.id, s.previous, s.items_bytes, s.rest_bytes, s.created_at_ms";

const selectStorage = `
  SELECT o.response_hours AS hours, k.id, k.kid, k.wrapped FROM orgs o JOIN org_keys k ON k.org = o.id
  WHERE o.id = ? AND o.response_hours IS NOT NULL AND k.wrapped IS NOT NULL`;
const selectOne = `SELECT ${columns} FROM stored_responses s, orgs o, org_keys k WHERE ${isThere} AND s.id = ?3`;
const selectChain = `
  WITH RECURSIVE chain AS (
    SELECT ${columns}, 1 AS depth FROM stored_responses s, orgs o, org_keys k WHERE ${isThere} AND s.id = ?3
    UNION ALL
    SELECT ${columns}, c.depth + 1 FROM chain c, stored_responses s, orgs o, org_keys k
    WHERE ${isThere} AND s.id = c.previous AND c.depth <= ?4)
  SELECT * FROM chain ORDER BY depth DESC`;
/** Nothing is stored for an org whose key was shredded since the call was read. */
const insert = `
  INSERT INTO stored_responses (id, org, key, previous, items_bytes, rest_bytes, created_at_ms)
  SELECT ?1, o.id, k.id, ?4, ?5, ?6, ?7 FROM orgs o, org_keys k
  WHERE o.id = ?2 AND k.id = ?3 AND k.org = o.id AND k.wrapped IS NOT NULL AND o.response_hours IS NOT NULL`;

interface StoredRow {
  id: string;
  previous: string | null;
  items_bytes: number;
  rest_bytes: number;
  created_at_ms: number;
}

/** The name of a response's object: in the order of their age, so that the oldest are found first. */
export function nameObject(org: string, { id, created_at_ms }: Pick<StoredRow, "id" | "created_at_ms">): string {
  return `${String(created_at_ms).padStart(15, "0")}/${org}/${id}`;
}

/** Before this name lie objects that are older than any org keeps one; a day is for rows that are on their way. */
export function nameOldest(nowMs: number): string {
  const oldestMs = Math.max(0, nowMs - (responseHoursMax + 24) * hourMs);
  return nameObject("", { id: "", created_at_ms: oldestMs }).slice(0, 15);
}

/** Stored responses in D1 and R2. Whichever does not answer in `storageWaitMsMax` is out of reach. */
export function d1ResponseStore({ db, bucket }: StorageBindings): ResponseStore {
  const find = (org: OrgId, id: ResponseId, nowMs: number) =>
    waitForD1(db.prepare(selectOne).bind(org, nowMs, id).first<StoredRow>());
  return {
    async findStorage(org) {
      const row = await waitForD1(
        db.prepare(selectStorage).bind(org).first<{ hours: number; id: string; kid: string; wrapped: string }>(),
      );
      return row && { hours: row.hours, key: { id: row.id, kid: row.kid, wrapped: row.wrapped } };
    },
    put: (response) => put({ db, bucket }, response),
    async read(org, id, nowMs) {
      const row = await find(org, id, nowMs);
      const bytes = row && (await readObject(bucket, nameObject(org, row)));
      if (!bytes || bytes.length !== row.items_bytes + row.rest_bytes) return null;
      return { items: bytes.slice(0, row.items_bytes), rest: bytes.slice(row.items_bytes) };
    },
    async readChain(org, id, { nowMs, bytesMax }) {
      const rows = await waitForD1(db.prepare(selectChain).bind(org, nowMs, id, chainMax).all<StoredRow>());
      return readLinks(bucket, org, { rows: rows.results, bytesMax });
    },
    async delete(org, id, nowMs) {
      const row = await find(org, id, nowMs);
      if (!row) return false;
      // First what it says: should the row's turn not come, it is deleted when that is repeated.
      await waitForR2(bucket.delete(nameObject(org, row)));
      await waitForD1(db.prepare("DELETE FROM stored_responses WHERE org = ? AND id = ?").bind(org, id).run());
      return true;
    },
  };
}

/** The bytes go first: a row that is there can be read. Bytes without a row are nobody's, and go with the oldest. */
async function put({ db, bucket }: StorageBindings, response: StoredResponse): Promise<boolean> {
  const { org, id, key, previous, createdAtMs, sealed } = response;
  const { items, rest } = sealed;
  const name = nameObject(org, { id, created_at_ms: createdAtMs });
  const bytes = new Uint8Array(items.length + rest.length);
  bytes.set(items);
  bytes.set(rest, items.length);
  await waitForR2(bucket.put(name, bytes));
  let isStored = false;
  try {
    const values = [id, org, key, previous, items.length, rest.length, createdAtMs];
    const { meta } = await waitForD1(
      db
        .prepare(insert)
        .bind(...values)
        .run(),
    );
    isStored = meta.changes === 1;
  } finally {
    if (!isStored) await waitForR2(bucket.delete(name)).catch(() => undefined);
  }
  return isStored;
}

async function readLinks(
  bucket: R2Bucket,
  org: OrgId,
  { rows, bytesMax }: { rows: StoredRow[]; bytesMax: number },
): Promise<StoredChain> {
  const bytes = rows.reduce((sum, row) => sum + row.items_bytes, 0);
  if (rows.length > chainMax || bytes > bytesMax) return { links: [], isWhole: false, isLong: true };
  const found = await Promise.all(rows.map((row) => readItems(bucket, org, row)));
  const links = found.filter((link) => link !== null);
  const isWhole = rows[0]?.previous === null && links.length === rows.length;
  return { links, isWhole, isLong: false };
}

async function readItems(bucket: R2Bucket, org: OrgId, row: StoredRow): Promise<SealedItems | null> {
  if (!isResponseId(row.id)) return null;
  const items = await readObject(bucket, nameObject(org, row), { offset: 0, length: row.items_bytes });
  return items && { id: row.id, items };
}

async function readObject(bucket: R2Bucket, name: string, range?: R2Range): Promise<Uint8Array<ArrayBuffer> | null> {
  const read = async () => {
    const object = await bucket.get(name, range && { range });
    return object && new Uint8Array(await object.arrayBuffer());
  };
  return waitForR2(read());
}

/** Waits for the database as long as is right. */
export function waitForD1<T>(work: Promise<T>): Promise<T> {
  return within(storageWaitMsMax, "stored responses, d1", work);
}

/** Waits for the bucket as long as is right. */
export function waitForR2<T>(work: Promise<T>): Promise<T> {
  return within(storageWaitMsMax, "stored responses, r2", work);
}
