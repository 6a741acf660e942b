import { createHash } from "node:crypto";
import { toSnakeCase } from "../../agreements/names.ts";
import { usageColumnNames } from "../../agreements/records/usage-columns.ts";
import { within } from "../within.ts";

/** Where rows of the bill go that are older than `days`: none goes while they are needed, or cannot be read back. */
export interface ArchiveTerms {
  db: D1Database;
  bucket: R2Bucket;
  days: number;
  now(): number;
}

/** A row as it lies in the archive: the columns of the bill, by the names that the API has for them. */
type ArchivedRow = { id: string; org: string; admittedAtMs: number } & Record<string, unknown>;

const dayMs = 86_400_000;
const waitMsMax = 20_000;
/** Rows of one object; some 10 MB before they are packed. */
const partRowsMax = 20_000;
const pageRows = 2_000;
/** Parts that one run of the cron writes. */
const partsMax = 10;

const admitted = toSnakeCase("admittedAtMs");
const columns = usageColumnNames.map((name) => `u."${toSnakeCase(name)}" AS "${name}"`).join(", ");
/** By the index of each org, so no other index is written with every call. */
const selectOldest = `SELECT min(
    (SELECT ${admitted} FROM usage WHERE org = o.id ORDER BY ${admitted} LIMIT 1)) AS oldest FROM orgs AS o`;
const selectPage = `SELECT ${columns} FROM orgs AS o CROSS JOIN usage AS u ON u.org = o.id
  WHERE u.${admitted} >= ?1 AND u.${admitted} < ?2 AND o.id >= ?3 AND (u.org, u.${admitted}, u.id) > (?3, ?4, ?5)
  ORDER BY o.id, u.${admitted}, u.id LIMIT ?6`;
const insertPart = `INSERT INTO archived_usage (object, day, rows, bytes, sha256, archived_at_ms)
  VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const deleteRows = "DELETE FROM usage WHERE id IN (SELECT value FROM json_each(?))";

/**
 * Moves rows of the bill that are older than so many days into the bucket, the oldest UTC day first, in parts: gzip of
 * JSON lines, with a manifest beside it. A part is read back, and only when it is what was written its rows leave D1;
 * so a run that dies may write some rows twice, and loses none. Roll-ups stay. Answers how many rows went.
 */
export async function archiveUsage(terms: ArchiveTerms): Promise<number> {
  let gone = 0;
  for (let part = 0; part < partsMax; part++) {
    const day = await findDueDay(terms);
    const rows = day === null ? [] : await readPart(terms.db, day);
    if (day === null || rows.length === 0) break;
    await writePart(terms, day, rows);
    gone += rows.length;
  }
  return gone;
}

/** The oldest UTC day with rows, once all of it is old enough; else null. */
async function findDueDay({ db, days, now }: ArchiveTerms): Promise<number | null> {
  const found = await wait<{ oldest: number | null } | null>(db.prepare(selectOldest).first());
  const oldest = found?.oldest ?? null;
  if (oldest === null) return null;
  const day = Math.floor(oldest / dayMs) * dayMs;
  return day + (days + 1) * dayMs <= now() ? day : null;
}

async function readPart(db: D1Database, day: number): Promise<ArchivedRow[]> {
  const rows: ArchivedRow[] = [];
  while (rows.length < partRowsMax) {
    const last = rows.at(-1);
    const after = [last?.org ?? "", last?.admittedAtMs ?? 0, last?.id ?? ""];
    const page = db.prepare(selectPage).bind(day, day + dayMs, ...after, pageRows);
    const { results } = await wait<{ results: ArchivedRow[] }>(page.all());
    rows.push(...results);
    if (results.length < pageRows) break;
  }
  return rows;
}

async function writePart({ db, bucket, now }: ArchiveTerms, day: number, rows: ArchivedRow[]): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const packed = await pass(text, new CompressionStream("gzip"));
  const sha256 = digest(packed);
  const folder = `usage/${new Date(day).toISOString().slice(0, 10)}`;
  const name = `${folder}/${sha256.slice(0, 32)}`;
  const object = `${name}.jsonl.gz`;
  await wait(bucket.put(object, packed, { httpMetadata: { contentType: "application/gzip" } }));
  const lines = await readBack(bucket, object, sha256);
  if (lines !== text) throw new Error(`archive: '${object}' does not read back as it was written`);
  const manifest = { object, day: folder.slice(-10), rows: rows.length, bytes: packed.length, sha256 };
  await wait(bucket.put(`${name}.manifest.json`, JSON.stringify({ ...manifest, columns: usageColumnNames })));
  const ids = JSON.stringify(rows.map(({ id }) => id));
  const part = db.prepare(insertPart).bind(object, day, rows.length, packed.length, sha256, now());
  await wait(db.batch([part, db.prepare(deleteRows).bind(ids)]));
}

/** What an object says, if its bytes are those that were written; else null. */
async function readBack(bucket: R2Bucket, object: string, sha256: string): Promise<string | null> {
  const found = await wait<{ arrayBuffer(): Promise<ArrayBuffer> } | null>(bucket.get(object));
  const bytes = found && (await found.arrayBuffer());
  if (!bytes || digest(new Uint8Array(bytes)) !== sha256) return null;
  return new TextDecoder().decode(await pass(bytes, new DecompressionStream("gzip")));
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What comes out of a transform. */
async function pass(
  content: string | ArrayBuffer,
  through: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([content]).stream().pipeThrough(through)).arrayBuffer());
}

function wait<T>(work: Promise<T>): Promise<T> {
  return within(waitMsMax, "archive", work);
}
