import { z } from "zod";
import type { PublishedRecord } from "../../ledger/port.ts";
import type { Database, Statement } from "../http/store.ts";
import { KeyRow, toKeyRecord } from "../keys/queries.ts";
import { OrgRow, toOrgRecord } from "../orgs/queries.ts";
import { ProjectRow, toProjectRecord } from "../projects/queries.ts";

const tables = { org: "orgs", project: "projects", key: "keys" } as const;

/** Notes that the data plane has a record as it is in this version; of two the later one stays. */
export function markPublished(
  db: Database,
  { kind, id, version }: Pick<PublishedRecord, "kind" | "id" | "version">,
): Statement {
  const mark = db.prepare(
    `UPDATE ${tables[kind]} SET published_version = ?1 WHERE id = ?2 AND published_version < ?1 RETURNING id`,
  );
  return mark.bind(version, id);
}

/**
 * Records that the data plane does not have as they are: orgs first, and projects before the keys that name them. A key
 * in force that was never published is none of them: nobody may have been shown its text.
 */
export async function selectUnpublished(db: Database, max: number): Promise<PublishedRecord[]> {
  const select = async (from: string) =>
    (await db.prepare(`SELECT * FROM ${from} AND published_version < version ORDER BY id LIMIT ?`).bind(max).all())
      .results;
  const orgs = z.array(OrgRow).parse(await select("orgs INDEXED BY orgs_unpublished WHERE TRUE"));
  const projects = z.array(ProjectRow).parse(await select("projects INDEXED BY projects_unpublished WHERE TRUE"));
  const known = "kind = 'inference' AND (published_version > 0 OR revoked_at_ms IS NOT NULL)";
  const keys = z.array(KeyRow).parse(await select(`keys INDEXED BY keys_unpublished WHERE ${known}`));
  return [...orgs.map(toOrgRecord), ...projects.map(toProjectRecord), ...keys.map(toKeyRecord)];
}
