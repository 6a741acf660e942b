import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { openText, sealText, type MasterKeys } from "../../agreements/sealing.ts";
import { LoginId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import type { AuditFacts } from "../audit/entry.ts";
import { formatIso, formatIsoOrNull, Name, Timestamp } from "../http/fields.ts";
import { readOwnOrigin } from "../http/browser-writes.ts";
import type { ControlEnv, ControlPorts } from "../http/port.ts";
import { OrgPath } from "../orgs/org.ts";
import type { Issuer } from "../sign-in/port.ts";
import { selectDomains, type DomainRow } from "./domain-queries.ts";
import { findLogin, joinRoles, type LoginRow } from "./queries.ts";

/** A domain of mail as an org claims it, and how to prove it. */
export const LoginDomain = z
  .strictObject({
    domain: z.string(),
    isProven: z.boolean().describe("Whether people of this domain may come by the company login."),
    provenBy: z.enum(["dns", "operator"]).nullable(),
    checkedAt: Timestamp.nullable(),
    record: z
      .strictObject({ name: z.string(), type: z.literal("TXT"), value: z.string() })
      .describe("What to publish in the domain's DNS, and to leave there."),
    createdAt: Timestamp,
  })
  .openapi("LoginDomain");

/** An org's company login as the API shows it: never its secret. */
export const CompanyLogin = z
  .strictObject({
    id: LoginId,
    name: z.string(),
    issuer: z.string(),
    clientId: z.string(),
    provesSecondFactor: z.boolean(),
    defaultRole: z.enum(joinRoles).nullable(),
    isRequired: z.boolean(),
    redirectUri: z.string().describe("What the issuer has to know as this client's redirect URI."),
    domains: z.array(LoginDomain),
    lastUsedAt: Timestamp.nullable().describe("When somebody last came by it, since its issuer was set."),
    version: z.int(),
    createdAt: Timestamp,
  })
  .openapi("CompanyLogin");

const textCharsMax = 512;

/** What a body may say of a company login. */
export const loginFields = {
  name: Name.describe("What the button says: people sign in with it."),
  issuer: z.string().min(1).max(2_000).openapi({
    description: "The issuer's URL, as its tokens and its metadata name it: https, and the name of a public host.",
    format: "uri",
  }),
  clientId: z.string().min(1).max(textCharsMax),
  secret: z.string().min(1).max(textCharsMax).openapi({ description: "The client's secret. It is never shown." }),
  provesSecondFactor: z.boolean().describe("The issuer asks everybody for a second factor."),
  defaultRole: z
    .enum(joinRoles)
    .nullable()
    .describe("What somebody becomes who comes for the first time; `null` lets in members and invited people alone."),
};

const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const domainForm = new RegExp(`^(${label}\\.)+${label}$`);

/** A domain of mail: what stands behind the `@`, in small letters. */
export const MailDomain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(domainForm, "Give a domain such as example.com, without the @.")
  .openapi({ type: "string", maxLength: 253 });

/** The path's parts that name a domain of an org's login. */
export const DomainPath = OrgPath.extend({ domain: z.string().max(253).regex(domainForm) });

/** The text that proves a claim, and where it has to stand. */
export function writeRecord({ domain, token }: Pick<DomainRow, "domain" | "token">) {
  return { name: `_penstock.${domain}`, type: "TXT" as const, value: `penstock-domain=${token}` };
}

/** The answer for a domain. */
export function toDomain(row: DomainRow): z.infer<typeof LoginDomain> {
  return {
    domain: row.domain,
    isProven: row.proven_by !== null,
    provenBy: row.proven_by,
    checkedAt: formatIsoOrNull(row.checked_at_ms),
    record: writeRecord(row),
    createdAt: formatIso(row.created_at_ms),
  };
}

/** The answer for an org's login, as it is now. */
export async function showCompanyLogin(c: Context<ControlEnv>, row: LoginRow): Promise<z.infer<typeof CompanyLogin>> {
  const { control } = c.var;
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    clientId: row.client_id,
    provesSecondFactor: row.proves_second_factor !== 0,
    defaultRole: row.default_role,
    isRequired: row.is_required !== 0,
    redirectUri: writeRedirectUri(readOwnOrigin(c.req.raw, control.publicUrl), row.id),
    domains: (await selectDomains(control.db, row.org)).map(toDomain),
    lastUsedAt: formatIsoOrNull(row.used_at_ms),
    version: row.version,
    createdAt: formatIso(row.created_at_ms),
  };
}

/** Where an issuer sends browsers back to. */
export function writeRedirectUri(origin: string, provider: string): string {
  return `${origin}/auth/callback/${provider}`;
}

/** What the audit log tells of a company login: never its secret. */
export function describeLogin(
  row: Omit<LoginRow, "id" | "org" | "secret" | "used_at_ms" | "version" | "created_at_ms">,
): AuditFacts {
  const { name, issuer, client_id: clientId, default_role: defaultRole } = row;
  const flags = { provesSecondFactor: row.proves_second_factor !== 0, isRequired: row.is_required !== 0 };
  return { name, issuer, clientId, defaultRole, ...flags };
}

/** The company login of the path's org; the 404 of a missing thing where it has none. */
export async function requireLogin(c: Context<ControlEnv>): Promise<LoginRow> {
  const row = await findLogin(c.var.control.db, c.var.org.id);
  if (row) return row;
  throw new Refusal("not_found", { message: "The organization has no company login." });
}

/** The keys that seal logins' secrets; refused with 409 where the deployment has none. */
export function requireLoginMasters({ loginMasters }: Pick<ControlPorts, "loginMasters">): MasterKeys {
  if (loginMasters) return loginMasters;
  const message = "This gateway keeps no company logins: its operator has to set STORE_KEYS, which seal their secrets.";
  throw new Refusal("conflict", { message });
}

const nameSecret = (id: LoginId) => `login secret ${id}`;

/** Seals a login's secret; it opens for this login alone. */
export function sealLoginSecret(
  masters: MasterKeys,
  id: LoginId,
  secret: string,
  random: (bytes: number) => Uint8Array,
): Promise<string> {
  return sealText(masters, nameSecret(id), secret, random);
}

/** Opens it; throws where no master key does. */
export function openLoginSecret(masters: MasterKeys, { id, secret }: LoginRow): Promise<string> {
  return openText(masters, nameSecret(id), secret);
}

/** A login as one signs in by it. Refused with 500 where no master key opens its secret. */
export async function toIssuer(ports: Pick<ControlPorts, "loginMasters">, row: LoginRow): Promise<Issuer> {
  const { id, issuer: url, client_id: clientId } = row;
  try {
    const secret = await openLoginSecret(requireLoginMasters(ports), row);
    return { id, url, clientId, secret, isGuarded: true };
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal("misconfigured", { log: "STORE_KEYS open no company login", cause });
  }
}
