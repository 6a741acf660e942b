import { z } from "zod";
import type { EngineEndpoint } from "../../agreements/paths.ts";
import { Endpoint, findByName, type ModelRecord } from "../../agreements/records/model.ts";
import { Refusal, type NamedModel } from "../../errors.ts";
import { quoteName } from "../quote.ts";

/**
 * A model as OpenAI lists it, with what vLLM and we add: `max_model_len` (tokens), aliases, endpoints. `created` is in
 * Unix seconds.
 */
export const ModelCard = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
  max_model_len: z.int(),
  aliases: z.array(z.string()),
  endpoints: z.array(Endpoint),
});
export type ModelCard = z.infer<typeof ModelCard>;

/** The models that a key may use. */
export const ModelList = z.strictObject({ object: z.literal("list"), data: z.array(ModelCard) });
export type ModelList = z.infer<typeof ModelList>;

/**
 * The refusal of a model that is not there. It is the same for one that the caller may not use, so that nobody learns
 * what others have. A call may leave its model out: then there is no name.
 */
export function refuseModel(name: string, param = "model"): Refusal {
  const which = name === "" ? "The model" : `The model '${quoteName(name)}'`;
  return new Refusal("model_not_found", {
    param,
    message: `${which} does not exist or you do not have access to it.`,
  });
}

/** Runs what depends on a model; whatever it refuses is marked as telling of that model. */
export function markModel<Result>(about: NamedModel, work: () => Result): Result {
  try {
    return work();
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    throw new Refusal(failure.code, { ...failure.details, about });
  }
}

/**
 * The models that every one of these scopes lets through, as a list, or the one among them with this id or alias.
 * Refuses any other as if there were none.
 */
export function showModels(
  models: readonly ModelRecord[],
  scopes: readonly ({ models: string[] | null } | null | undefined)[],
  name: string | null,
): ModelList | ModelCard {
  const cards = models.filter(({ id }) => scopes.every((scope) => scope?.models?.includes(id) ?? true));
  if (name === null) return { object: "list", data: cards.map(buildModelCard) };
  const model = findByName(cards, name);
  if (!model) throw refuseModel(name);
  return buildModelCard(model);
}

/** Builds the public card of a model. */
export function buildModelCard(model: ModelRecord): ModelCard {
  return {
    id: model.id,
    object: "model",
    created: Math.floor(model.createdAtMs / 1_000),
    owned_by: model.ownedBy,
    max_model_len: model.contextTokensMax,
    aliases: model.aliases,
    endpoints: model.endpoints,
  };
}

/**
 * Finds a model by its id or an alias; refuses one that does not serve the endpoint, and names one that is not there.
 */
export function findModel(models: readonly ModelRecord[], name: string, endpoint: EngineEndpoint): ModelRecord {
  const model = findByName(models, name);
  if (!model) throw refuseModel(name);
  if (model.endpoints.includes(endpoint)) return model;
  throw new Refusal("invalid_value", { param: "model", message: `This model does not serve ${endpoint}.` });
}
