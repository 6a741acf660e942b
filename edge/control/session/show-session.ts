import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId, OrgId, UserId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv, SignedIn } from "../http/port.ts";
import { Key, toKey } from "../keys/key.ts";
import { findKey } from "../keys/queries.ts";
import { limitRole } from "../members/member.ts";
import { selectMemberships, type MembershipRow } from "../members/queries.ts";
import { Org, toOrg } from "../orgs/org.ts";
import { findOrg } from "../orgs/queries.ts";
import { actions, listActions, roles, type Role } from "../permissions.ts";

const orgsMax = 1_000;

const Reached = z
  .strictObject({
    id: OrgId,
    name: z.string(),
    role: z.enum(roles),
    actions: z
      .array(z.enum(actions))
      .describe("What one may do there now; none while a second factor is missing, or the company login."),
    requiresMfa: z.boolean(),
    requiresLogin: z.boolean().describe("Its members come by its company login; owners by two factors, too."),
    isSuspended: z.boolean(),
  })
  .openapi("ReachedOrg");

const Answer = z
  .strictObject({
    principal: z.strictObject({
      kind: z.enum(["key", "member"]),
      id: z.union([KeyId, UserId]),
      name: z.string(),
      email: z.string().nullable(),
    }),
    orgs: z.array(Reached).describe("The orgs that one is in, by name; of a key its own."),
    isOperator: z
      .boolean()
      .describe("Operators reach every org. False of one who has yet to show the second factor that is asked of them."),
    mfa: z.strictObject({ enabled: z.boolean() }),
    // A union: `nullable()` would make every Key of the document nullable.
    key: z.union([Key, z.null()]).describe("The key that asks; null for a person."),
    org: z.union([Org, z.null()]).describe("The org of the key that asks; null for a person."),
  })
  .openapi("Session");

/** Shows who asks, the orgs that they are in, and what they may do there. */
export const showSession = defineEndpoint(
  "session.read",
  createRoute({
    method: "get",
    path: "/whoami",
    operationId: "showSession",
    tags: ["people"],
    summary: "Show who asks, and what they may do where",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("Who asks.", Answer), default: refusalAnswer },
  }),
  async (c) => c.json(c.var.principal.person ? await showPerson(c, c.var.principal.person) : await showKey(c), 200),
);

async function showPerson(c: Context<ControlEnv>, person: SignedIn): Promise<z.infer<typeof Answer>> {
  const { user, name, email, isMfaEnabled } = person;
  const { isOperator } = c.var.principal;
  const all = await selectMemberships(c.var.control.db, user, orgsMax);
  const rows = all.filter(({ org }) => person.onlyOrg === null || person.onlyOrg === org);
  return {
    principal: { kind: "member", id: user, name, email },
    orgs: rows.map((row) => showMembership(row, { ...person, isOperator })),
    isOperator,
    mfa: { enabled: isMfaEnabled },
    key: null,
    org: null,
  };
}

function showMembership(row: MembershipRow, person: SignedIn): z.infer<typeof Reached> {
  const { isOperator, hasSecondFactor, onlyOrg } = person;
  const role = limitRole(row.role, person);
  const isByOther = row.requires_login !== 0 && onlyOrg === null && !(role === "owner" && hasSecondFactor);
  const isHeldUp = (row.requires_mfa !== 0 && !hasSecondFactor) || (isByOther && !isOperator);
  const held: Role[] = isOperator ? [role, "operator"] : [role];
  return {
    id: row.org,
    name: row.name,
    role,
    actions: isHeldUp ? [] : listActions(held),
    requiresMfa: row.requires_mfa !== 0,
    requiresLogin: row.requires_login !== 0,
    isSuspended: row.is_suspended !== 0,
  };
}

async function showKey(c: Context<ControlEnv>): Promise<z.infer<typeof Answer>> {
  const { principal, control, visit } = c.var;
  const { org: home, id, name, role, isOperator } = principal;
  const [key, org] = home
    ? await Promise.all([findKey(control.db, home, id), findOrg(control.db, home)])
    : [null, null];
  if (!key || !org) throw new Refusal("invalid_api_key");
  const own = {
    id: org.id,
    name: org.name,
    role,
    actions: listActions([role]),
    requiresMfa: org.requires_mfa !== 0,
    requiresLogin: false,
    isSuspended: org.is_suspended !== 0,
  };
  return {
    principal: { kind: "key", id, name, email: null },
    orgs: [own],
    isOperator,
    mfa: { enabled: false },
    key: toKey(key, visit.now()),
    org: toOrg(org),
  };
}
