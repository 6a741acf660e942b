import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { KeyId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Expiry, Name } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishKey } from "../publishing/publish.ts";
import { KeyOwnerId, refuseMove, refuseOwner, refuseProject } from "../owners/check-owner.ts";
import { commitKeyChange } from "./commit-key.ts";
import { Key, KeyPath, readOwner, refuseOutliving, refusePast, toKey } from "./key.ts";
import { findKey, type KeyRow } from "./queries.ts";
import { findScope, resolveModels, scopeFields, scopesOfInferenceKeys, unique } from "./scopes.ts";

const Body = z
  .strictObject({
    name: Name.optional(),
    ...scopeFields,
    limits: scopeFields.limits.describe(
      "Only the windows named here are set: `null` for one lifts it, `null` for `limits` lifts all.",
    ),
    expiresAt: Expiry,
    owner: KeyOwnerId.optional().describe(
      "Who gets it: a member or a service account; `null` is nobody in particular.",
    ),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "Nothing to change.")
  .openapi("KeyChange", { minProperties: 1 });

/**
 * Sets a key's name, scopes, limits, expiry, owner or project; what is not named stays. In force for the next call once
 * it has answered; refused with 503, it heals by repeating. A key that is not in force is refused with 409: it stays
 * ended.
 */
export const changeKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/keys/{key}",
    operationId: "changeKey",
    tags: ["keys"],
    summary: "Set a key's name, scopes, limits, expiry, owner and project",
    request: { params: KeyPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The key.", Key), default: refusalAnswer },
  }),
  async (c) => {
    const row = await setKey(c, c.req.valid("param").key, c.req.valid("json"));
    return c.json(toKey(row, c.var.visit.now()), 200);
  },
);

/** Changes a key of the org as whoever asks may, and publishes it. */
export async function setKey(c: Context<ControlEnv>, id: KeyId, body: z.infer<typeof Body>): Promise<KeyRow> {
  const { visit, control } = c.var;
  const nowMs = visit.now();
  refusePast(body.expiresAt, nowMs);
  const change = {
    name: body.name,
    endpoints: body.endpoints && unique(body.endpoints),
    models: body.models && resolveModels(body.models, control.models),
    ipCidrs: body.ipCidrs && unique(body.ipCidrs),
    limits: body.limits,
    expiresAtMs: body.expiresAt,
    owner: body.owner,
    project: body.project,
  };
  return publishKey(c, await commitKeyChange(c, () => readChangeable(c, id, body), change));
}

/** The key as it is now; refuses whoever may not change it so. */
async function readChangeable(c: Context<ControlEnv>, id: KeyId, body: z.infer<typeof Body>): Promise<KeyRow> {
  const { control, org } = c.var;
  const known = await findKey(control.db, org.id, id, readOwner(c));
  if (!known) throw new Refusal("not_found");
  const { kind, owner, project } = known;
  refuseUnlessInCharge(c, kind);
  if (body.expiresAt !== undefined) refuseOutliving(c, kind, body.expiresAt);
  const scope = kind === "admin" ? findScope(body) : null;
  if (scope) throw new Refusal("invalid_value", { param: scope, message: `${scope}: ${scopesOfInferenceKeys}` });
  await refuseOwner(c, kind, body.owner === owner ? undefined : body.owner);
  refuseMove(c, project, body.project);
  await refuseProject(c, body.project === project ? undefined : body.project);
  return known;
}
