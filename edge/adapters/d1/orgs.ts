import type { OrgId } from "../../agreements/tokens/ids.ts";
import { within } from "../within.ts";

/** Orgs read at a time. */
const pageMax = 1_000;

/** By the primary key, so each page begins where the last one ended, however many orgs there are. */
const select = "SELECT id FROM orgs WHERE id > ? ORDER BY id LIMIT ?";

/**
 * Reads the ids of all orgs, page by page. One that is made meanwhile may be missed, and no org comes twice. Throws
 * when D1 does not answer a page in `msMax`.
 */
export async function* readOrgs(db: D1Database, msMax: number): AsyncGenerator<OrgId[]> {
  for (let last = ""; ;) {
    const page = db.prepare(select).bind(last, pageMax).all<{ id: OrgId }>();
    const { results } = await within<{ results: { id: OrgId }[] }>(msMax, "orgs", page);
    const ids = results.map(({ id }) => id);
    if (ids.length > 0) yield ids;
    last = ids.at(-1) ?? "";
    if (ids.length < pageMax) return;
  }
}
