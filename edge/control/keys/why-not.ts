import type { Context } from "hono";
import { Refusal } from "../../errors.ts";
import type { ControlEnv } from "../http/port.ts";
import { findOrg } from "../orgs/queries.ts";
import { refuseOwner, refuseProject } from "../owners/check-owner.ts";
import type { KeyDraft, KeyRoom } from "./insert-queries.ts";
import { findFull, refuseFull } from "./key.ts";

/** Why a key could not be made: it may not have this owner or project, or its org has no room for it or is closed. */
export async function findWhyNot(
  c: Context<ControlEnv>,
  { kind, owner, project }: Pick<KeyDraft, "kind" | "project"> & { owner: string | null | undefined },
  max: KeyRoom,
): Promise<Refusal> {
  const { control, org, visit } = c.var;
  await refuseOwner(c, kind, owner);
  await refuseProject(c, project);
  const home = await findOrg(control.db, org.id);
  if (home && home.closed_at_ms !== null)
    return new Refusal("org_suspended", { message: "The organization is closed." });
  return (await findFull(control.db, org, max, visit.now())) ?? refuseFull(max);
}
