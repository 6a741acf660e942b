import type { ModelRecord } from "#edge/agreements/model.ts";
import type { EngineSpec } from "./stack.ts";

/** A model that a running engine lists: its name there, and its context in tokens if the engine tells. */
export interface FoundModel {
  name: string;
  contextTokensMax: number;
}

/** Asks a running engine what it is and what it serves. Throws when nothing OpenAI-compatible answers. */
export async function probeEngine(url: string): Promise<{ engine: EngineSpec; found: FoundModel[] }> {
  const base = url.replace(/\/(v1\/?)?$/, "");
  const list: { data?: { id: string; max_model_len?: number }[] } | null = await getJson(`${base}/v1/models`);
  const found = (list?.data ?? []).map(({ id, max_model_len }) => ({ name: id, contextTokensMax: max_model_len ?? 8_192 }));
  if (found.length === 0) throw new Error(`no OpenAI-compatible engine with a model answers at ${base}/v1/models`);
  const kind = await kindOf(base);
  return { engine: { kind, url: base, models: Object.fromEntries(found.map(({ name }) => [name, name])) }, found };
}

/** Model records for what an engine serves: the first is `chat` and `text2sql` as well, names with 'embed' in them are embedding models. */
export function modelsOfEngine(found: FoundModel[]): ModelRecord[] {
  const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  return found.map(({ name, contextTokensMax }, index) => ({
    id: name,
    aliases: index === 0 ? ["chat", "text2sql"] : [],
    endpoints: /embed/i.test(name) ? ["embeddings"] : ["chat.completions", "completions", "text2sql"],
    contextTokensMax,
    completionTokensDefault: Math.min(2_048, contextTokensMax),
    ownedBy: "local",
    createdAtMs: Date.now(),
    prices: { shared: price, complex: price },
  }));
}

async function kindOf(base: string): Promise<EngineSpec["kind"]> {
  if (await getJson(`${base}/api/version`)) return "ollama";
  return (await getJson(`${base}/version`)) ? "vllm" : "openai";
}

async function getJson<T>(url: string): Promise<T | null> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
  if (!response?.ok) return null;
  return JSON.parse(await response.text().catch(() => "null"));
}
