import { z } from "@hono/zod-openapi";
import { readCidr } from "../../agreements/ip.ts";
import { Endpoint, findByName } from "../../agreements/records/model.ts";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { ProjectId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import type { ControlPorts } from "../http/port.ts";

const modelsMax = 100;
const modelCharsMax = 256;
const ipCidrsMax = 100;

const Cidr = z
  .string()
  .refine(
    (text) => readCidr(text) !== null,
    "Give an IPv4 or IPv6 range such as 203.0.113.0/24, with no bits beyond the prefix.",
  )
  .openapi({ type: "string", pattern: String.raw`^[\da-fA-F.:]{2,45}(/\d{1,3})?$` });

/** What a body may say of a key's scopes, limits and project; `null` is any, and no project. */
export const scopeFields = {
  endpoints: z.array(Endpoint).min(1).max(Endpoint.options.length).nullish(),
  models: z.array(z.string().min(1).max(modelCharsMax)).min(1).max(modelsMax).nullish(),
  ipCidrs: z.array(Cidr).min(1).max(ipCidrsMax).nullish(),
  limits: KeyLimits.nullish(),
  project: ProjectId.nullish().describe("The project in whose windows its calls count, too; `null` is none."),
};

/** Why an admin key is refused scopes. */
export const scopesOfInferenceKeys = "Only inference keys have scopes, limits and a project.";

/** The first scope that a body names, save as `null`; `null` when it names none. */
export function findScope(body: Record<string, unknown>): string | null {
  return Object.keys(scopeFields).find((name) => body[name] !== undefined && body[name] !== null) ?? null;
}

/** The data plane asks by model id, so an alias is stored as what it stands for. Refuses a name that no model has. */
export function resolveModels(names: string[], models: ControlPorts["models"]): string[] {
  const ids = names.map((name, at) => {
    const model = findByName(models, name);
    if (!model)
      throw new Refusal("invalid_value", { param: `models[${at}]`, message: `models[${at}]: There is no such model.` });
    return model.id;
  });
  return unique(ids);
}

/** Each item once, in the order given. */
export function unique<Item>(items: Item[]): Item[] {
  return Array.from(new Set(items));
}
