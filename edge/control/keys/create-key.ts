import { createRoute, z } from "@hono/zod-openapi";
import { readCidr } from "../../agreements/ip.ts";
import { mintKey } from "../../agreements/tokens/key-format.ts";
import { Endpoint } from "../../agreements/records/model.ts";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { Refusal } from "../../errors.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Expiry, Name } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { ControlPorts } from "../http/port.ts";
import { cleanUp, logChange, publishKey, withdrawKey } from "../http/publish.ts";
import { KeyWithSecret, refusePast, toKey } from "./key.ts";
import { insertKey } from "./queries.ts";

const modelsMax = 100;
const ipCidrsMax = 100;

const Cidr = z
  .string()
  .refine(
    (text) => readCidr(text) !== null,
    "Give an IPv4 or IPv6 range such as 203.0.113.0/24, with no bits beyond the prefix.",
  );

const Body = z
  .strictObject({
    name: Name,
    kind: z.enum(["inference", "admin"]).optional(),
    endpoints: z.array(Endpoint).min(1).max(Endpoint.options.length).nullish(),
    models: z.array(z.string().min(1)).min(1).max(modelsMax).nullish(),
    ipCidrs: z.array(Cidr).min(1).max(ipCidrsMax).nullish(),
    expiresAt: Expiry,
    limits: KeyLimits.nullish(),
  })
  .superRefine((body, context) => {
    if (body.kind !== "admin") return;
    const scopes = [
      ["endpoints", body.endpoints],
      ["models", body.models],
      ["ipCidrs", body.ipCidrs],
      ["limits", body.limits],
    ] as const;
    const scope = scopes.find(([, given]) => given !== undefined && given !== null);
    if (scope)
      context.addIssue({ code: "custom", path: [scope[0]], message: "Only inference keys have scopes and limits." });
  })
  .openapi("KeyCreate");

/**
 * Makes a key and shows it this once. When it cannot be published, its row stays revoked and its text is shown to
 * nobody.
 */
export const createKey = defineEndpoint(
  createRoute({
    method: "post",
    path: "/orgs/{org}/keys",
    tags: ["keys"],
    summary: "Create a key",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: {
      201: describeJsonAnswer("The key; `secret` is shown this once.", KeyWithSecret),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { name, kind = "inference", ...given } = c.req.valid("json");
    const nowMs = visit.now();
    refuseUnlessInCharge(c, kind);
    refusePast(given.expiresAt, nowMs);
    const minted = await mintKey(kind, org.id, control.keyring, (bytes) => visit.random(bytes));
    const row = await insertKey(control.db, {
      ...minted,
      org: org.id,
      kind,
      role: kind === "inference" ? null : org.is_operator ? "operator" : "admin",
      name,
      endpoints: given.endpoints ? removeDuplicates(given.endpoints) : null,
      models: given.models ? resolveModelIds(given.models, control.models) : null,
      ipCidrs: given.ipCidrs ? removeDuplicates(given.ipCidrs) : null,
      limits: given.limits ?? null,
      expiresAtMs: given.expiresAt ?? null,
      createdAtMs: nowMs,
    });
    try {
      await publishKey(c, row);
    } catch (cause) {
      await cleanUp(c, () => withdrawKey(c, row.id));
      throw cause;
    }
    logChange(c, "key_created", { org: org.id, key: row.id });
    return c.json({ ...toKey(row, nowMs), secret: minted.text }, 201);
  },
);

/** The data plane compares model ids, so an alias is stored as the id that it stands for. */
function resolveModelIds(names: string[], models: ControlPorts["models"]): string[] {
  const ids = names.map((name, at) => {
    const model = models.find(({ id, aliases }) => id === name || aliases.includes(name));
    if (!model)
      throw new Refusal("invalid_value", { param: `models[${at}]`, message: `models[${at}]: There is no such model.` });
    return model.id;
  });
  return removeDuplicates(ids);
}

function removeDuplicates<Item>(items: Item[]): Item[] {
  return Array.from(new Set(items));
}
