import type { Context } from "hono";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import { winRace } from "../audit/races.ts";
import type { AuditFacts } from "../audit/entry.ts";
import type { ControlEnv } from "../http/port.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { applyChange, findOrg, OrgRow, touchOrg, updateOrg, type OrgChange } from "./queries.ts";

/** Changes the org of the path as one audited change; of two at once neither is lost. `If-Match` is obeyed. */
export async function commitOrgChange(c: Context<ControlEnv>, change: OrgChange, action: string): Promise<OrgRow> {
  const { db } = c.var.control;
  const expected = readIfMatch(c);
  const { id: org } = c.var.org;
  let known: OrgRow | null = c.var.org;
  return winRace("an org", async () => {
    known ??= await findOrg(db, org);
    if (!known) throw new Refusal("not_found");
    refuseUnlessVersion(known, expected);
    const changed = applyChange(known, change);
    const facts = diffFacts(describeOrg(known), describeOrg(changed));
    const planned = { org, action, target: org, ...facts, change: updateOrg(db, changed) };
    const [row] = await commitChange(c, planned);
    known = null;
    return row === undefined ? undefined : showVersion(c, OrgRow.parse(row));
  });
}

/**
 * Writes an entry of what changed about the org of the path where it is kept elsewhere. It comes after the change: what
 * fails between them is answered with 503, and repeating it writes the entry.
 */
export async function auditOrg(
  c: Context<ControlEnv>,
  action: string,
  facts: { before: AuditFacts | null; after: AuditFacts | null },
): Promise<void> {
  const { id: org } = c.var.org;
  await commitChange(c, { org, action, target: org, ...facts, change: touchOrg(c.var.control.db, org) });
}

/** What the audit log tells of an org. */
export function describeOrg(
  row: Pick<OrgRow, "name" | "plan" | "limits" | "is_suspended" | "requires_mfa" | "closed_at_ms">,
): AuditFacts {
  const { name, plan, limits, is_suspended, requires_mfa, closed_at_ms } = row;
  const flags = { isSuspended: is_suspended !== 0, requiresMfa: requires_mfa !== 0, isClosed: closed_at_ms !== null };
  return { name, plan, limits, ...flags };
}
