import { z } from "zod";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Database, Statement } from "../http/store.ts";
import { areAsPlanned, type EndingKeys } from "../owners/queries.ts";
import type { MemberRole } from "../permissions.ts";
import type { MemberRow } from "./queries.ts";

const asRead = "org = ? AND user = ? AND role = ? AND version = ?";
/** The last owner stays, whoever else is being changed at the same time (P3): it is asked in the statement itself. */
const leavesAnOwner = `(role <> 'owner' OR EXISTS (SELECT 1 FROM members AS other
  WHERE other.org = members.org AND other.role = 'owner' AND other.user <> members.user))`;

/**
 * Sets a member's role. No row when the member or the keys that this ends have changed since they were read, or when
 * the org would have no owner left.
 */
export function updateRole(db: Database, from: MemberRow, to: MemberRole, ending: EndingKeys | null): Statement {
  const keys = ending ? areAsPlanned(ending) : { sql: "1", values: [] };
  const update = db.prepare(
    `UPDATE members SET role = ?, version = version + 1
     WHERE ${asRead} AND (? = 'owner' OR ${leavesAnOwner}) AND ${keys.sql} RETURNING *`,
  );
  return update.bind(to, ...readAs(from), to, ...keys.values);
}

/**
 * Removes a member. No row when they or their keys have changed since they were read, or when the org would have no
 * owner left.
 */
export function deleteMember(db: Database, from: MemberRow, ending: EndingKeys): Statement {
  const keys = areAsPlanned(ending);
  const remove = db.prepare(`DELETE FROM members WHERE ${asRead} AND ${leavesAnOwner} AND ${keys.sql} RETURNING *`);
  return remove.bind(...readAs(from), ...keys.values);
}

/**
 * Changes nothing of a member who may leave: for the entry of what becomes of their keys before they do. No row as with
 * `deleteMember`.
 */
export function touchLeaver(db: Database, from: MemberRow, ending: EndingKeys): Statement {
  const keys = areAsPlanned(ending);
  const update = db.prepare(
    `UPDATE members SET role = role WHERE ${asRead} AND ${leavesAnOwner} AND ${keys.sql} RETURNING *`,
  );
  return update.bind(...readAs(from), ...keys.values);
}

/** How many owners an org has. */
export async function countOwners(db: Database, org: OrgId): Promise<number> {
  const select = db.prepare("SELECT count(*) AS owners FROM members WHERE org = ? AND role = 'owner'");
  return z.object({ owners: z.int() }).parse(await select.bind(org).first()).owners;
}

function readAs({ org, user, role, version }: MemberRow): (string | number)[] {
  return [org, user, role, version];
}
