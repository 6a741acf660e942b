import type { Context } from "hono";
import { Refusal } from "../../../errors.ts";
import { findDomain } from "../../company-login/domain-queries.ts";
import { isStillProven } from "../../company-login/proving.ts";
import type { LoginRow } from "../../company-login/queries.ts";
import { findOpenByEmail } from "../../invitations/queries.ts";
import { findOrg } from "../../orgs/queries.ts";
import type { IssuerProof, OidcClaims } from "../port.ts";
import type { SignInEnv } from "../step.ts";
import { findKnown } from "./queries.ts";

/**
 * Lets in whom an org's company login has named, or refuses: their address has to be of a domain that the org has
 * proven, and of whom the issuer means that account's address too; and they are a member of the org, invited, or
 * somebody whom it takes in. An issuer that is not right says no more than that to anybody (S16).
 */
export async function admitByCompany(c: Context<SignInEnv>, login: LoginRow, claims: OidcClaims): Promise<IssuerProof> {
  const { control, visit } = c.var;
  const { org, id: provider } = login;
  const { subject, email, name } = claims;
  await refuseOutside(c, login, email);
  const known = await findKnown(control.db, { org, provider, subject, email });
  if (known && known.email !== email) await refuseOutside(c, login, known.email);
  const isMember = known !== null && known.role !== null;
  if (!isMember && !(await mayJoin(c, login, known?.email ?? email)))
    throw new Refusal("insufficient_permissions", {
      message: "You are no member of this organization. Ask whoever is in charge of it for an invitation.",
      log: "company login: no member",
    });
  visit.log("company_login", { org, login: provider });
  return { provider, subject, email, name, isStrong: login.proves_second_factor !== 0, onlyOrg: org };
}

/** An address is the org's to prove only under a domain that is proven to be the org's. */
async function refuseOutside(c: Context<SignInEnv>, { org }: LoginRow, email: string): Promise<void> {
  const { control, visit } = c.var;
  const row = await findDomain(control.db, org, readMailDomain(email));
  if (row && (await isStillProven({ db: control.db, webhooks: control.webhooks, visit }, row))) return;
  throw new Refusal("sign_in_failed", {
    message: "Your company's login named an address that is not of a domain which your organization has proven.",
    log: "company login: outside its domains",
  });
}

async function mayJoin(c: Context<SignInEnv>, { org, default_role: role }: LoginRow, email: string): Promise<boolean> {
  const { control, visit } = c.var;
  const row = await findOrg(control.db, org);
  if (!row || row.is_suspended !== 0 || row.closed_at_ms !== null) return false;
  return role !== null || (await findOpenByEmail(control.db, org, email, visit.now())) !== null;
}

/** What stands behind an address's `@`. */
export function readMailDomain(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}
