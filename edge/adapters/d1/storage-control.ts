import { isOrgId } from "../../agreements/tokens/ids.ts";
import { rewrapMax, sweepMax } from "../../agreements/stored-limits.ts";
import type { StorageControl } from "../../storage/port.ts";
import { nameObject, nameOldest, waitForD1, waitForR2, type StorageBindings } from "./stored-responses.ts";

/** An org has one key that is not shredded; whoever comes second finds it. */
const insertKey = `
  INSERT INTO org_keys (id, org, kid, wrapped, created_at_ms) SELECT ?1, id, ?3, ?4, ?5 FROM orgs WHERE id = ?2
  ON CONFLICT DO NOTHING`;
/** CROSS JOIN has SQLite begin with the few orgs that store, each by its index of ages. */
const selectExpired = `
  SELECT s.id, s.org, s.created_at_ms FROM orgs o CROSS JOIN stored_responses s ON s.org = o.id
  WHERE o.response_hours IS NOT NULL AND s.created_at_ms <= ?1 - o.response_hours * 3600000 LIMIT ?2`;
const selectShredded = `
  SELECT s.id, s.org, s.created_at_ms FROM org_keys k CROSS JOIN stored_responses s ON s.key = k.id
  WHERE k.wrapped IS NULL LIMIT ?1`;
const deleteRows = "DELETE FROM stored_responses WHERE id IN (SELECT value FROM json_each(?))";
const deleteEmptyKeys = `
  DELETE FROM org_keys WHERE wrapped IS NULL
  AND NOT EXISTS (SELECT 1 FROM stored_responses s WHERE s.key = org_keys.id)`;

interface Gone {
  id: string;
  org: string;
  created_at_ms: number;
}

/** Storage in D1 and R2, switched on and off, and swept. */
export function d1StorageControl(bindings: StorageBindings): StorageControl {
  const { db } = bindings;
  const setHours = (hours: number | null, org: string) =>
    db.prepare("UPDATE orgs SET response_hours = ? WHERE id = ?").bind(hours, org);
  return {
    async switchOn(org, hours, { id, kid, wrapped }, nowMs) {
      const key = db.prepare(insertKey).bind(id, org, kid, wrapped, nowMs);
      await waitForD1(db.batch([key, setHours(hours, org)]));
    },
    async switchOff(org) {
      const shred = db.prepare("UPDATE org_keys SET wrapped = NULL WHERE org = ?").bind(org);
      await waitForD1(db.batch([setHours(null, org), shred]));
    },
    async sweep(nowMs) {
      await sweepRows(bindings, db.prepare(selectExpired).bind(nowMs, sweepMax));
      await sweepRows(bindings, db.prepare(selectShredded).bind(sweepMax));
      await waitForD1(db.prepare(deleteEmptyKeys).run());
      await sweepObjects(bindings, nowMs);
    },
    async listOtherKeys(kid) {
      const select = db.prepare(
        "SELECT id, org, kid, wrapped FROM org_keys WHERE kid <> ? AND wrapped IS NOT NULL LIMIT ?",
      );
      const { results } = await waitForD1(
        select.bind(kid, rewrapMax).all<{ id: string; org: string; kid: string; wrapped: string }>(),
      );
      return results.filter((key) => isOrgId(key.org));
    },
    async rewrap({ id, kid, wrapped }) {
      const update = db.prepare("UPDATE org_keys SET kid = ?, wrapped = ? WHERE id = ? AND wrapped IS NOT NULL");
      await waitForD1(update.bind(kid, wrapped, id).run());
    },
  };
}

/** Bytes first, then rows: what fails between them is found again by its row. */
async function sweepRows({ db, bucket }: StorageBindings, select: D1PreparedStatement): Promise<void> {
  const { results } = await waitForD1(select.all<Gone>());
  if (results.length === 0) return;
  await waitForR2(bucket.delete(results.map((row) => nameObject(row.org, row))));
  const ids = JSON.stringify(results.map(({ id }) => id));
  await waitForD1(db.prepare(deleteRows).bind(ids).run());
}

/** Bytes without a row, which a worker that died between the two left behind, are found by their age. */
async function sweepObjects({ bucket }: StorageBindings, nowMs: number): Promise<void> {
  const { objects } = await waitForR2(bucket.list({ limit: sweepMax }));
  const oldest = nameOldest(nowMs);
  const names = objects.map(({ key }) => key).filter((name) => name < oldest);
  if (names.length > 0) await waitForR2(bucket.delete(names));
}
