import type { Context } from "hono";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import type { AuditFacts } from "../audit/entry.ts";
import type { ControlEnv } from "../http/port.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { applyChange, findOrg, OrgRow, touchOrg, updateOrg, type OrgChange } from "./queries.ts";

const triesMax = 50;

/** Changes the org of the path as one audited change; of two at once neither is lost. `If-Match` is obeyed. */
export async function commitOrgChange(c: Context<ControlEnv>, change: OrgChange, action: string): Promise<OrgRow> {
  const { db } = c.var.control;
  const expected = readIfMatch(c);
  let known = c.var.org;
  for (let tries = 0; tries < triesMax; tries++) {
    refuseUnlessVersion(known, expected);
    const changed = applyChange(known, change);
    const { id: org } = known;
    const facts = diffFacts(describeOrg(known), describeOrg(changed));
    const planned = { org, action, target: org, ...facts, change: updateOrg(db, changed) };
    const [row] = await commitChange(c, planned);
    if (row !== undefined) return showVersion(c, OrgRow.parse(row));
    const found = await findOrg(db, org);
    if (!found) throw new Refusal("not_found");
    known = found;
  }
  throw new Refusal("store_unavailable", {
    message: "Too many changes at once. Repeat the request.",
    log: "org races",
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
