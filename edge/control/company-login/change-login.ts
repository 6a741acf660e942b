import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { refuseTarget } from "../webhooks/webhook.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { OrgPath } from "../orgs/org.ts";
import {
  CompanyLogin,
  describeLogin,
  loginFields,
  requireLogin,
  requireLoginMasters,
  sealLoginSecret,
  showCompanyLogin,
} from "./login.ts";
import { endLoginSessions, forgetSubjects, LoginRow, updateLogin } from "./queries.ts";

const Body = z
  .strictObject({
    name: loginFields.name.optional(),
    issuer: loginFields.issuer.optional(),
    clientId: loginFields.clientId.optional(),
    secret: loginFields.secret.optional(),
    provesSecondFactor: loginFields.provesSecondFactor.optional(),
    defaultRole: loginFields.defaultRole.optional(),
    isRequired: z
      .boolean()
      .optional()
      .describe("Members may then come by the company login alone, but for owners with a second factor."),
  })
  .refine((body) => Object.keys(body).length > 0, "Nothing to change.")
  .openapi("CompanyLoginChange", { minProperties: 1 });

/**
 * Changes an org's company login; what is not named stays. Another issuer or client forgets whom the one before knew;
 * that, and another word on the second factor, ends the sessions that it began. Of two changes at once one is refused
 * with 409. It can be required only once somebody has come by it, as it is set.
 */
export const changeLogin = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/company-login",
    operationId: "changeCompanyLogin",
    tags: ["people"],
    summary: "Change an org's company login, or require it",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The company login.", CompanyLogin), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const body = c.req.valid("json");
    const known = await requireLogin(c);
    refuseUnlessVersion(known, readIfMatch(c));
    if (body.issuer !== undefined) await refuseTarget(c, body.issuer, "issuer");
    const changed = await applyBody(c, known, body);
    const isOther = changed.issuer !== known.issuer || changed.client_id !== known.client_id;
    const isLess = changed.proves_second_factor !== known.proves_second_factor;
    refuseRequired(known, changed, isOther);
    const facts = diffFacts(describeLogin(known), describeLogin(changed));
    const [row] = await commitChange(c, {
      org: org.id,
      action: "login.changed",
      target: known.id,
      before: facts.before,
      after: { ...facts.after, ...(body.secret !== undefined && { isSecretNew: true }) },
      change: updateLogin(control.db, changed),
      also: (mark) => [
        ...(isOther ? [forgetSubjects(control.db, known.id, mark)] : []),
        ...(isOther || isLess ? [endLoginSessions(control.db, org.id, mark)] : []),
      ],
      event: { type: "login.changed", body: { login: known.id, change: "changed" } },
    });
    if (row === undefined) throw new Refusal("conflict", { message: conflict });
    return c.json(await showCompanyLogin(c, showVersion(c, LoginRow.parse(row))), 200);
  },
);

const conflict = "The company login was changed at the same time, or has no proven domain.";

async function applyBody(c: Context<ControlEnv>, known: LoginRow, body: z.infer<typeof Body>): Promise<LoginRow> {
  const { visit, control } = c.var;
  const { name = known.name, issuer = known.issuer, clientId = known.client_id, secret, isRequired } = body;
  const isOther = issuer !== known.issuer || clientId !== known.client_id;
  const sealed =
    secret === undefined
      ? known.secret
      : await sealLoginSecret(requireLoginMasters(control), known.id, secret, (bytes) => visit.random(bytes));
  return {
    ...known,
    name,
    issuer,
    client_id: clientId,
    secret: sealed,
    proves_second_factor: Number(body.provesSecondFactor ?? known.proves_second_factor),
    default_role: body.defaultRole === undefined ? known.default_role : body.defaultRole,
    is_required: Number(isRequired ?? known.is_required),
    used_at_ms: isOther ? null : known.used_at_ms,
  };
}

/** Nobody is locked out by a login that has never let anybody in. */
function refuseRequired(known: LoginRow, changed: LoginRow, isOther: boolean): void {
  if (changed.is_required === 0) return;
  if (isOther)
    throw new Refusal("conflict", { message: "Lift the requirement first: nobody has come by the new issuer yet." });
  if (known.is_required === 0 && changed.used_at_ms === null)
    throw new Refusal("conflict", { message: "Sign in by the company login once, before it is required." });
}
