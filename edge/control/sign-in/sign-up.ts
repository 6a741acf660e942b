import { Refusal } from "../../errors.ts";
import type { SignedIn, SignUpRule } from "../http/port.ts";
import type { Database } from "../http/store.ts";
import { readMailDomain } from "./company/admit.ts";
import { isInvited } from "./company/queries.ts";

/** Is this address of one of the domains that may by themselves? To the letter: not of a part of one. */
function isListed({ for: who, domains }: SignUpRule, email: string): boolean {
  return who === "everyone" || (who === "domains" && domains.includes(readMailDomain(email.toLowerCase())));
}

/** May whoever has just proven this address become known here? Who is invited always may. */
export async function maySignUp(db: Database, rule: SignUpRule, email: string, nowMs: number): Promise<boolean> {
  return isListed(rule, email) || isInvited(db, email.toLowerCase(), nowMs);
}

/** Refuses a new org to who may not make one: by the operator's rule, or since a company login opens one org alone. */
export function refuseNewOrg(rule: SignUpRule, { email, isOperator, onlyOrg }: SignedIn): void {
  if (isOperator) return;
  if (onlyOrg !== null)
    throw new Refusal("insufficient_permissions", {
      message: "Your company's login opens its organization alone. Sign in by mail to make another.",
    });
  if (!isListed(rule, email))
    throw new Refusal("sign_up_closed", {
      message: "New organizations are made by the operator here, or by addresses that the operator has listed.",
    });
}
