import type { Context } from "hono";
import type { UserId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { winRace } from "../audit/races.ts";
import type { EventDraft, EventFacts } from "../events/types.ts";
import { refuseUnlessMay } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { endKeys, planEnding, type EndingKeys } from "../owners/queries.ts";
import { isInCharge, type MemberRole } from "../permissions.ts";
import { countOwners, deleteMember, touchLeaver, updateRole } from "./change-queries.ts";
import { findMember, type MemberRow } from "./queries.ts";

/** What becomes of a member: another role, or none; `keysFirst` takes their keys out of force before they leave. */
export type MemberStep =
  | { action: "member.role_set"; role: MemberRole }
  | { action: "member.removed" | "member.left" }
  | { action: "member.keys_ended" };

/**
 * Takes a step of a member's as one audited change, with what it does to their keys: who goes leaves none in force
 * (P4), who is in charge no longer keeps no admin key. Returns them as they were, null when they are no member. Refused
 * with 409 for the last owner (P3), and with 403 to who may not give or take ownership.
 */
export async function commitMemberStep(
  c: Context<ControlEnv>,
  user: UserId,
  step: MemberStep,
): Promise<MemberRow | null> {
  const { control, org } = c.var;
  return winRace("a member", async () => {
    const known = await findMember(control.db, org.id, user);
    if (!known) return null;
    const role = "role" in step ? step.role : null;
    if (role === known.role) return known;
    if (known.role === "owner" || role === "owner") refuseUnlessMay(c.var.principal, "members.owner");
    const ending = await planFor(c, known, step);
    // With none to end there is nothing to do before they leave.
    if (step.action === "member.keys_ended" && ending?.ids.length === 0) return known;
    if (await takeStep(c, known, step, ending)) return known;
    const isOwners = known.role === "owner" && (await countOwners(control.db, org.id)) < 2;
    if (isOwners)
      throw new Refusal("conflict", { message: "The last owner stays. Make another member an owner first." });
    return undefined;
  });
}

async function planFor(c: Context<ControlEnv>, { org, user }: MemberRow, step: MemberStep): Promise<EndingKeys | null> {
  const staysInCharge = "role" in step && isInCharge(step.role);
  const onlyAdmin = "role" in step;
  return staysInCharge ? null : planEnding(c.var.control.db, { org, owner: user, onlyAdmin });
}

async function takeStep(
  c: Context<ControlEnv>,
  known: MemberRow,
  step: MemberStep,
  ending: EndingKeys | null,
): Promise<boolean> {
  const { control, visit } = c.var;
  const { org, user, role, email } = known;
  const revokedKeys = ending?.ids ?? [];
  const { action } = step;
  const to = "role" in step ? step.role : action === "member.keys_ended" ? role : null;
  const rows = await commitChange(c, {
    org,
    action,
    target: user,
    before: { role, email },
    after: { role: to, revokedKeys },
    change: readStatement(c, known, step, ending),
    also: (mark) => (ending ? [endKeys(control.db, ending, visit.now(), mark)] : []),
    event: describeStep(step, { user, before: role, revokedKeys: revokedKeys.length }),
  });
  return rows.length > 0;
}

/** What is told of a step: nothing of keys that end before a member leaves. */
function describeStep(step: MemberStep, facts: EventFacts<"member.removed">): EventDraft | undefined {
  if ("role" in step) return { type: "member.changed", body: { ...facts, role: step.role } };
  return step.action === "member.keys_ended" ? undefined : { type: "member.removed", body: facts };
}

function readStatement(c: Context<ControlEnv>, known: MemberRow, step: MemberStep, ending: EndingKeys | null) {
  const { db } = c.var.control;
  if ("role" in step) return updateRole(db, known, step.role, ending);
  const keys = ending ?? { org: known.org, owner: known.user, onlyAdmin: false, ids: [] };
  return step.action === "member.keys_ended" ? touchLeaver(db, known, keys) : deleteMember(db, known, keys);
}
