import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { quoteName } from "../quote.ts";

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

export interface ModelList {
  object: "list";
  data: ModelCard[];
}

/**
 * The refusal of a model that is not there. It is the same for one that the caller may not use, so that nobody learns
 * what others have.
 */
export function refuseModel(name: string): Refusal {
  return new Refusal("model_not_found", {
    param: "model",
    say: `The model '${quoteName(name)}' does not exist or you do not have access to it.`,
  });
}

export function modelCard(model: ModelRecord): ModelCard {
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
