import { z } from "zod";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { adviseOutputTokens, nameForPeople } from "./card.ts";

/**
 * A model as Anthropic's Models API describes it; `created_at` is RFC 3339, lengths are in tokens
 * (docs.anthropic.com/en/api/models-list).
 */
export const AnthropicModel = z.strictObject({
  type: z.literal("model"),
  id: z.string(),
  display_name: z.string(),
  created_at: z.string(),
  max_input_tokens: z.int(),
  max_tokens: z.int(),
});
export type AnthropicModel = z.infer<typeof AnthropicModel>;

/** A page of them; `first_id` and `last_id` are null where the page is empty. */
export const AnthropicModelPage = z.strictObject({
  data: z.array(AnthropicModel),
  has_more: z.boolean(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
});
export type AnthropicModelPage = z.infer<typeof AnthropicModelPage>;

const limitDefault = 20;
const limitMax = 1_000;

/** Describes a model under one of its names. */
export function buildAnthropicModel(model: ModelRecord, name: string): AnthropicModel {
  return {
    type: "model",
    id: name,
    display_name: nameForPeople(model),
    created_at: new Date(model.createdAtMs).toISOString(),
    max_input_tokens: model.contextTokensMax,
    max_tokens: adviseOutputTokens(model),
  };
}

/**
 * The page that a query asks for: `limit` models (20, at most 1,000) from the beginning, or right behind `after_id`, or
 * right before `before_id`. `has_more` looks the same way. Refuses a limit that is none, a cursor that is not in the
 * list, and both cursors at once.
 */
export function pageModels(models: readonly AnthropicModel[], query: URLSearchParams): AnthropicModelPage {
  const limit = readLimit(query.get("limit"));
  const after = findCursor(models, query, "after_id");
  const before = findCursor(models, query, "before_id");
  if (after !== null && before !== null) {
    const message = "'before_id' and 'after_id' may not both be sent.";
    throw new Refusal("invalid_value", { param: "before_id", message });
  }
  const start = before === null ? (after ?? -1) + 1 : Math.max(0, before - limit);
  const data = models.slice(start, before ?? start + limit);
  const hasMore = before === null ? start + limit < models.length : start > 0;
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

/** How many models a page has. Refuses what is no whole number from 1 to 1,000. */
export function readLimit(text: string | null): number {
  if (text === null) return limitDefault;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= limitMax) return limit;
  const message = `'limit' must be a whole number from 1 to ${limitMax}.`;
  throw new Refusal("invalid_value", { param: "limit", message });
}

function findCursor(models: readonly AnthropicModel[], query: URLSearchParams, param: string): number | null {
  const id = query.get(param);
  if (id === null) return null;
  const at = models.findIndex((model) => model.id === id);
  if (at !== -1) return at;
  throw new Refusal("invalid_value", { param, message: `'${param}' must be the id of a model of this list.` });
}
