import { z } from "@hono/zod-openapi";
import { UserId, type OrgId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import type { Database } from "../http/store.ts";
import { findOperatorOrg } from "../orgs/queries.ts";
import type { OperatorRow } from "./queries.ts";

/** An operator in an answer. */
export const Operator = z
  .strictObject({
    id: UserId,
    email: z.string(),
    name: z.string(),
    hasSignedIn: z.boolean().openapi({ description: "She has proven the address at least once." }),
  })
  .openapi("Operator");

/** The house's own org, whose log names who is made an operator; refuses with 409 before the bootstrap made it. */
export async function requireOperatorOrg(db: Database): Promise<OrgId> {
  const org = await findOperatorOrg(db);
  if (org !== null) return org;
  throw new Refusal("conflict", { message: "The house has no organization of its own yet: run the bootstrap first." });
}

/** Writes an operator. */
export function toOperator({ id, email, name, email_verified }: OperatorRow): z.infer<typeof Operator> {
  return { id, email, name, hasSignedIn: email_verified === 1 };
}
