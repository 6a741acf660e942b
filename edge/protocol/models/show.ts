import { CallEndpoint } from "../../agreements/paths.ts";
import type { Endpoint, ModelRecord } from "../../agreements/records/model.ts";
import { refuseModel } from "../openai/models.ts";
import { findProtocol } from "../wires/wires.ts";
import {
  buildAnthropicModel,
  pageModels,
  readLimit,
  type AnthropicModel,
  type AnthropicModelPage,
} from "./anthropic-page.ts";
import { buildModelCard, findPurpose, listCallEndpoints, type ModelCard, type ModelList } from "./card.ts";

/** What a scope says of models, and of how they may be called; `null`, or nothing, is any. */
type ModelScope = { models: string[] | null; endpoints?: readonly Endpoint[] | null } | null | undefined;

/** Models as one of the lists shows them, or one of them. */
export type ShownModels = ModelList | ModelCard | AnthropicModelPage | AnthropicModel;

/** A model under one of its names. */
interface NamedRecord {
  name: string;
  model: ModelRecord;
}

/** What is served, and what its prices are in. */
export interface ServedModels {
  models: readonly ModelRecord[];
  currency: string;
}

/**
 * The models that every one of these scopes lets through, each name of each an entry, or the one entry of this name:
 * those that they name, as far as they may be called. Refuses any other as if there were none. Anthropic's clients get
 * their own form, and of models only those that chat, which are all that they can call; the newest first, as theirs has
 * them.
 */
export function showModels(
  request: Request,
  { models, currency }: ServedModels,
  scopes: readonly ModelScope[],
  name: string | null,
): ShownModels {
  const { pathname, searchParams } = new URL(request.url);
  const isAnthropic = findProtocol(pathname, request.headers) === "anthropic";
  const allowed = findAllowed(models, scopes);
  const entries = listEntries(isAnthropic ? selectNewestChats(allowed) : allowed);
  const one = entries.find((entry) => entry.name === name);
  if (name !== null && !one) throw refuseModel(name);
  if (isAnthropic) {
    if (one) return buildAnthropicModel(one.model, one.name);
    const described = entries.map((entry) => buildAnthropicModel(entry.model, entry.name));
    return pageModels(described, searchParams);
  }
  if (one) return buildModelCard(one.model, one.name, currency);
  // Here all are listed at once; what is no number is a slip all the same.
  readLimit(searchParams.get("limit"));
  return { object: "list", data: entries.map((entry) => buildModelCard(entry.model, entry.name, currency)) };
}

/** Models with an endpoint that every scope has; all of them where the scopes have none that calls a model. */
function selectCallable(models: readonly ModelRecord[], scopes: readonly ModelScope[]): readonly ModelRecord[] {
  const isAllowed = (endpoint: CallEndpoint) => scopes.every((scope) => scope?.endpoints?.includes(endpoint) ?? true);
  if (!CallEndpoint.options.some(isAllowed)) return models;
  return models.filter((model) => listCallEndpoints(model).some(isAllowed));
}

/** Those of the models that every one of these scopes lets through. */
export function findAllowed(models: readonly ModelRecord[], scopes: readonly ModelScope[]): ModelRecord[] {
  return selectCallable(models, scopes).filter(({ id }) =>
    scopes.every((scope) => scope?.models?.includes(id) ?? true),
  );
}

function listEntries(models: readonly ModelRecord[]): NamedRecord[] {
  return models.flatMap((model) => [model.id, ...model.aliases].map((name) => ({ name, model })));
}

function selectNewestChats(models: readonly ModelRecord[]): ModelRecord[] {
  return models
    .filter((model) => findPurpose(model) === "chat")
    .toSorted((one, other) => other.createdAtMs - one.createdAtMs);
}
