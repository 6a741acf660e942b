import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { mintKey } from "../../agreements/tokens/key-format.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Expiry, Name } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import { OrgPath } from "../orgs/org.ts";
import { cleanUp, publishKey } from "../publishing/publish.ts";
import { commitKeyStep, describeKey, withdrawKey } from "./commit-key.ts";
import { KeyWithSecret, readKeyRoom, refuseOutliving, refusePast, toKey, type MadeKey } from "./key.ts";
import { insertKey, type KeyDraft } from "./insert-queries.ts";
import { KeyOwnerId, findDefaultProject, readDefaultOwner, refuseOwner, refuseProject } from "../owners/check-owner.ts";
import { findWhyNot } from "./why-not.ts";
import { findScope, resolveModels, scopeFields, scopesOfInferenceKeys, unique } from "./scopes.ts";

const Body = z
  .strictObject({
    name: Name,
    kind: z.enum(["inference", "admin"]).optional(),
    ...scopeFields,
    expiresAt: Expiry,
    owner: KeyOwnerId.optional().describe("The member or service account that it is for; oneself if not given."),
  })
  .superRefine((body, context) => {
    if (body.kind !== "admin") return;
    const scope = findScope(body);
    if (scope) context.addIssue({ code: "custom", path: [scope], message: scopesOfInferenceKeys });
  })
  .openapi("KeyCreate");

/** Makes a key and shows it this once (`makeKey`). */
export const createKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/keys",
    operationId: "createKey",
    tags: ["keys"],
    summary: "Create a key",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: {
      201: describeJsonAnswer("The key; `secret` is shown this once.", KeyWithSecret),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { row, secret } = await makeKey(c, c.req.valid("json"));
    return c.json({ ...toKey(row, c.var.visit.now()), secret }, 201);
  },
);

/**
 * Makes a key; `secret` is its text. When it cannot be published, its row stays revoked and its text is shown to
 * nobody.
 */
export async function makeKey(
  c: Context<ControlEnv>,
  { name, kind = "inference", owner, ...given }: z.infer<typeof Body>,
): Promise<MadeKey> {
  const { visit, control, org } = c.var;
  const nowMs = visit.now();
  refuseUnlessInCharge(c, kind);
  await refuseOwner(c, kind, owner);
  const project = given.project === undefined ? await findDefaultProject(c, owner) : given.project;
  await refuseProject(c, project);
  refusePast(given.expiresAt, nowMs);
  refuseOutliving(c, kind, given.expiresAt ?? null);
  const max = readKeyRoom(org, kind);
  const minted = await mintKey(kind, org.id, control.keyring, (bytes) => visit.random(bytes));
  const draft: KeyDraft = {
    ...minted,
    org: org.id,
    kind,
    role: kind === "inference" ? null : org.is_operator ? "operator" : "admin",
    name,
    endpoints: given.endpoints ? unique(given.endpoints) : null,
    models: given.models ? resolveModels(given.models, control.models) : null,
    ipCidrs: given.ipCidrs ? unique(given.ipCidrs) : null,
    limits: given.limits ?? null,
    owner: owner === undefined ? readDefaultOwner(c) : owner,
    project,
    expiresAtMs: given.expiresAt ?? null,
    createdAtMs: nowMs,
  };
  const facts = describeKey({ ...draft, ip_cidrs: draft.ipCidrs, expires_at_ms: draft.expiresAtMs });
  const event = { type: "key.created", body: { key: draft.id, ...facts } } as const;
  const row = await commitKeyStep(c, event, insertKey(control.db, draft, max));
  if (!row) throw await findWhyNot(c, { kind, owner, project }, max);
  try {
    return { row: await publishKey(c, row), secret: minted.text };
  } catch (cause) {
    await cleanUp(c, () => withdrawKey(c, row));
    throw cause;
  }
}
