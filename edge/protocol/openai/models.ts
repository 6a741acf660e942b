import type { ModelRecord } from "../../agreements/records/model.ts";

/**
 * A model as OpenAI lists it, with what vLLM and we add: `max_model_len` (tokens), aliases, endpoints. `created` is in
 * Unix seconds.
 */
export interface ModelCard {
  id: string;
  object: "model";
  created: number;
  owned_by: string;
  max_model_len: number;
  aliases: string[];
  endpoints: string[];
}

/** The answer of `GET /v1/models`, as OpenAI shapes it. */
export interface ModelList {
  object: "list";
  data: ModelCard[];
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
