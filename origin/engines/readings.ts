/** What the agent reads off an engine's metrics page. `null` means not there: unknown, never 0. */
export interface Readings {
  running: number | null;
  waiting: number | null;
  /** 0 to 1, of the fullest engine on the page. */
  kvUsed: number | null;
  kvPoolTokens: number | null;
  generatedTokens: number | null;
}

/**
 * Reads vLLM's Prometheus text. Several engines on one page are summed (the KV share: the largest); NaN and infinities
 * are not figures.
 */
export function readReadings(text: string): Readings {
  const generated = readSamples(text, "vllm:generation_tokens_total");
  const used = readSamples(text, "vllm:kv_cache_usage_perc");
  return {
    running: sum(readSamples(text, "vllm:num_requests_running")),
    waiting: sum(readSamples(text, "vllm:num_requests_waiting")),
    kvUsed: used.length > 0 ? Math.min(1, Math.max(0, ...used)) : null,
    kvPoolTokens: readPoolTokens(text),
    generatedTokens: sum(generated.length > 0 ? generated : readSamples(text, "vllm:generation_tokens")),
  };
}

function readSamples(text: string, name: string): number[] {
  const values: number[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const isLineStart = at === 0 || text[at - 1] === "\n";
    const next = text[at + name.length];
    if (!isLineStart || (next !== "{" && next !== " ")) continue;
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? undefined : end);
    const value = Number(/[}\s]\s*([^\s}]+)(?:\s+\d+)?\s*$/.exec(line)?.[1] ?? Number.NaN);
    if (Number.isFinite(value) && value >= 0) values.push(value);
  }
  return values;
}

function readPoolTokens(text: string): number | null {
  let tokens: number | null = null;
  for (const [line] of text.matchAll(/^vllm:cache_config_info\{.*$/gm)) {
    const size = Number(/[{,]block_size="(\d{1,9})"/.exec(line)?.[1] ?? Number.NaN);
    const blocks = Number(/[{,]num_gpu_blocks="(\d{1,12})"/.exec(line)?.[1] ?? Number.NaN);
    if (size > 0 && blocks > 0) tokens = (tokens ?? 0) + size * blocks;
  }
  return tokens;
}

function sum(values: number[]): number | null {
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
}
