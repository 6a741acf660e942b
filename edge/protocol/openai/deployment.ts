import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { quoteName } from "../quote.ts";
import { isObject } from "../../agreements/json.ts";

/**
 * The body of a call whose address names the model, as Azure's does: the name becomes `model` where the body has none.
 * Throws a Refusal (400) when the body names another model; an alias of the same one is no other.
 */
export function addDeployment(json: unknown, deployment: string, models: readonly ModelRecord[]): unknown {
  if (!isObject(json)) return json;
  const { model } = json;
  if (model === undefined || model === null) return { ...json, model: deployment };
  if (model === deployment || typeof model !== "string") return json;
  const named = models.find(({ id, aliases }) => id === model || aliases.includes(model));
  if (named && (named.id === deployment || named.aliases.includes(deployment))) return json;
  throw new Refusal("invalid_value", {
    param: "model",
    about: { name: model, id: named?.id ?? null },
    message: `The URL names the model '${quoteName(deployment)}' and the body names '${quoteName(model)}'.`,
  });
}
