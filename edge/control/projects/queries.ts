import { z } from "zod";
import type { ProjectRecord } from "../../agreements/records/project.ts";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { OrgId, ProjectId } from "../../agreements/tokens/ids.ts";
import { applyStop } from "../budgets/stop.ts";
import { createJsonColumn, type Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";

/** A row of `projects`, as D1 gives it. */
export const ProjectRow = z.object({
  id: ProjectId,
  org: OrgId,
  name: z.string(),
  limits: createJsonColumn(KeyLimits).nullable(),
  is_archived: z.int(),
  stop_micros: z.int().nullable(),
  version: z.int(),
  published_version: z.int(),
  created_at_ms: z.int(),
});
export type ProjectRow = z.infer<typeof ProjectRow>;

/** What a change of a project sets; `undefined` stays. `limits` sets the windows it names, `null` lifts all. */
export interface ProjectChange {
  name?: string | undefined;
  limits?: KeyLimits | null | undefined;
  isArchived?: boolean | undefined;
}

/** Inserts a project at version 1; no row when its org has as many as it may have. */
export function insertProject(
  db: Database,
  project: Pick<ProjectRow, "id" | "org" | "name" | "limits" | "created_at_ms">,
  max: number,
): Statement {
  const insert = db.prepare(
    `INSERT INTO projects (id, org, name, limits, created_at_ms) SELECT ?, ?, ?, ?, ?
     WHERE (SELECT count(*) FROM projects WHERE org = ?) < ? RETURNING *`,
  );
  const { id, org, name, limits, created_at_ms } = project;
  return insert.bind(id, org, name, limits && JSON.stringify(limits), created_at_ms, org, max);
}

/** Takes back a project that never came into force, and that no key names. */
export function deleteProject(db: Database, id: ProjectId): Statement {
  const remove = db.prepare(
    `DELETE FROM projects WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM keys WHERE keys.org = projects.org
       AND keys.project = ?1) AND NOT EXISTS (SELECT 1 FROM service_accounts AS s WHERE s.org = projects.org
       AND s.project = ?1) RETURNING *`,
  );
  return remove.bind(id);
}

/** Finds a project of an org; null when the org has none with that id. */
export async function findProject(db: Database, org: OrgId, id: ProjectId): Promise<ProjectRow | null> {
  const select = db.prepare("SELECT * FROM projects WHERE id = ? AND org = ?");
  return ProjectRow.nullable().parse(await select.bind(id, org).first());
}

/** An org's projects, newest first, from after `cursor`; `onlyOpen` leaves the archived ones out. */
export async function selectProjects(
  db: Database,
  org: OrgId,
  { cursor, limit, onlyOpen = false }: { cursor: Cursor; limit: number; onlyOpen?: boolean },
): Promise<ProjectRow[]> {
  const select = db.prepare(
    `SELECT * FROM projects WHERE org = ? AND (created_at_ms, id) < (?, ?) ${onlyOpen ? "AND is_archived = 0" : ""}
     ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  );
  return z.array(ProjectRow).parse((await select.bind(org, cursor.ms, cursor.id, limit).all()).results);
}

/** What a project becomes by a change. */
export function applyProjectChange(known: ProjectRow, change: ProjectChange): ProjectRow {
  const { name = known.name, limits, isArchived } = change;
  const set = limits ? { ...known.limits, ...limits } : limits === null ? null : known.limits;
  const is_archived = isArchived === undefined ? known.is_archived : Number(isArchived);
  return { ...known, name, limits: set, is_archived };
}

/** Writes a project as it shall be, and counts its version up: no row when it has changed since it was read. */
export function updateProject(db: Database, changed: ProjectRow): Statement {
  const update = db.prepare(
    `UPDATE projects SET name = ?, limits = ?, is_archived = ?, version = version + 1
     WHERE id = ? AND version = ? RETURNING *`,
  );
  const { name, limits, is_archived, id, version } = changed;
  return update.bind(name, limits && JSON.stringify(limits), is_archived, id, version);
}

/** Builds the record of a project that the data plane gets. */
export function toProjectRecord(row: ProjectRow): ProjectRecord {
  const { id, org, limits, version } = row;
  return {
    kind: "project",
    id,
    org,
    limits: applyStop(limits ?? {}, row.stop_micros) ?? {},
    isArchived: row.is_archived !== 0,
    version,
  };
}
