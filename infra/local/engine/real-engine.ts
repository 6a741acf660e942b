import type { ModelRecord } from "#edge/agreements/records/model.ts";
import type { EngineSpec } from "../stack.ts";

/**
 * A model that a running engine lists: its names there, the first of which answers bear, and its context in tokens if
 * the engine tells.
 */
export interface FoundModel {
  name: string;
  aliases: string[];
  contextTokensMax: number;
  isEmbedding: boolean;
}

interface ListedModel {
  id: string;
  owned_by?: string;
  /** vLLM: what is served under this name; the same for all names of one model. */
  root?: string;
  /** The context, as vLLM and as llama.cpp's server tell it. */
  max_model_len?: number;
  meta?: { n_ctx?: number };
}

/** Finds out what a running engine is and what it serves. Throws when nothing OpenAI-compatible answers. */
export async function probeEngine(url: string): Promise<{ engine: EngineSpec; found: FoundModel[] }> {
  const base = url.replace(/\/(v1\/?)?$/, "");
  const list: { data?: ListedModel[] } | null = await getJson(`${base}/v1/models`);
  const listed = list?.data ?? [];
  if (listed.length === 0) throw new Error(`no OpenAI-compatible engine with a model answers at ${base}/v1/models`);
  const kind = await detectKind(base, listed);
  // A vLLM serves one kind of model: the route of the other kind is not there.
  const isEmbedder = kind === "vllm" && (await probeStatus(`${base}/v1/embeddings`)) !== 404;
  const groups = Map.groupBy(listed, ({ id, root }) => (kind === "vllm" ? (root ?? id) : id));
  const found = Array.from(groups.values(), ([first, ...others]): FoundModel => {
    const name = first?.id ?? "";
    const isEmbedding = kind === "vllm" ? isEmbedder : /embed/i.test(name);
    return {
      name,
      aliases: others.map(({ id }) => id),
      contextTokensMax: first?.max_model_len ?? first?.meta?.n_ctx ?? 8_192,
      isEmbedding,
    };
  });
  return { engine: { kind, url: base, models: Object.fromEntries(found.map(({ name }) => [name, name])) }, found };
}

/**
 * Model records for what an engine serves: the first is `chat` and `text2sql` as well, or `embed`, where no model has
 * that name.
 */
export function makeModelRecords(found: FoundModel[]): ModelRecord[] {
  const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  const taken = new Set(found.flatMap(({ name, aliases }) => [name, ...aliases]));
  const free = (names: string[]) => names.filter((name) => !taken.has(name));
  return found.map(({ name, aliases, contextTokensMax, isEmbedding }, index) => ({
    id: name,
    aliases: [...aliases, ...(index === 0 ? free(isEmbedding ? ["embed"] : ["chat", "text2sql"]) : [])],
    endpoints: isEmbedding ? ["embeddings"] : ["chat.completions", "completions", "text2sql"],
    contextTokensMax,
    completionTokensDefault: Math.min(2_048, contextTokensMax),
    ownedBy: "local",
    createdAtMs: Date.now(),
    prices: { shared: price, complex: price },
  }));
}

async function detectKind(base: string, [first]: ListedModel[]): Promise<EngineSpec["kind"]> {
  // origin/gguf says its version as vLLM does.
  if (first?.owned_by === "penstock-gguf") return "llamacpp";
  if (first?.owned_by === "llamacpp") return "llama-server";
  if (await getJson(`${base}/api/version`)) return "ollama";
  return (await getJson(`${base}/version`)) ? "vllm" : "openai";
}

async function getJson<T>(url: string): Promise<T | null> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
  if (!response?.ok) return null;
  return JSON.parse(await response.text().catch(() => "null"));
}

async function probeStatus(url: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
    signal: AbortSignal.timeout(5_000),
  });
  await response.body?.cancel();
  return response.status;
}
