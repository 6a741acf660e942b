import { endpointPaths, type MediaPath } from "#edge/agreements/paths.ts";
import type { EngineKind } from "../config.ts";

/**
 * How engines differ from vLLM. The one list of it: the code reads these facts and never asks which engine it is.
 */
export interface Dialect {
  /** 200 means that the engine lives. */
  healthPath: string;
  /** Where `{"version": …}` is served. */
  versionPath: string | null;
  /**
   * How a prompt is counted. `vllm`: `POST /tokenize {model, messages | prompt}` answers `{count, max_model_len}`.
   * `llama-server`: `POST /apply-template {messages}` answers `{prompt}`, and `POST /tokenize {content}` answers
   * `{tokens}`.
   */
  tokenizer: "vllm" | "llama-server" | null;
  /** `stream_options.continuous_usage_stats` puts usage on every chunk, for each choice. */
  hasContinuousUsage: boolean;
  /**
   * Usage that stands beside choices is that of one: of the first in a whole answer, of the one that ends in a stream.
   */
  isUsageOfOneChoice: boolean;
  /** Prometheus text under `vllm:` names. */
  hasMetrics: boolean;
  /**
   * How no org learns from the prefix cache what another has sent: `salt` by `cache_salt`, `off` by `cache_prompt:
   * false`; `null` where the engine offers neither.
   */
  cache: "salt" | "off" | null;
  /** How the bound is called: vLLM takes both names, newer OpenAI models one, Ollama and llama.cpp the other. */
  maxFields: readonly ("max_tokens" | "max_completion_tokens")[];
  /** `stream_interval` puts several tokens into a chunk: we ask for one. */
  hasStreamInterval: boolean;
  /** Whole answers have all of vLLM's members, null where nobody uses them. */
  isVllmForm: boolean;
  /** The paths of sound and pictures that it may be asked at; whether its model can is its own to say. */
  media: readonly MediaPath[];
  /** Only OpenAI's own members are sent: it refuses others, or would do by them what the hold does not cover. */
  isStrict: boolean;
}

const hearing = [endpointPaths["audio.transcriptions"].agent, endpointPaths["audio.translations"].agent] as const;
const allMedia = [...hearing, endpointPaths["audio.speech"].agent, endpointPaths["images.generations"].agent] as const;

const vllm: Dialect = {
  healthPath: "/health",
  versionPath: "/version",
  tokenizer: "vllm",
  hasContinuousUsage: true,
  isUsageOfOneChoice: false,
  hasMetrics: true,
  cache: "salt",
  maxFields: ["max_tokens", "max_completion_tokens"],
  hasStreamInterval: true,
  isVllmForm: true,
  media: hearing,
  isStrict: false,
};

const plain: Dialect = {
  healthPath: "/v1/models",
  versionPath: null,
  tokenizer: null,
  hasContinuousUsage: false,
  isUsageOfOneChoice: false,
  hasMetrics: false,
  cache: null,
  maxFields: ["max_tokens"],
  hasStreamInterval: false,
  isVllmForm: false,
  media: [],
  isStrict: false,
};

/** The dialect of each kind of engine. */
export const dialects: Readonly<Record<EngineKind, Dialect>> = {
  vllm,
  simulator: { ...vllm, media: allMedia },
  openai: { ...plain, isStrict: true, media: allMedia },
  ollama: { ...plain, healthPath: "/api/version", versionPath: "/api/version" },
  /**
   * llama.cpp's own `llama-server`. Strict, because it knows the bounds by other names as well (`n_predict`, `n_cmpl`),
   * and lets callers choose a slot.
   */
  "llama-server": {
    ...plain,
    healthPath: "/health",
    tokenizer: "llama-server",
    isUsageOfOneChoice: true,
    cache: "off",
    isStrict: true,
  },
  /** origin/gguf: llama.cpp behind a server of our own, which does as vLLM does, but has no metrics. */
  llamacpp: {
    ...plain,
    healthPath: "/health",
    versionPath: "/version",
    tokenizer: "vllm",
    hasContinuousUsage: true,
    cache: "salt",
  },
};

/** OpenAI's own members of the three requests, and those of ranking: all that a strict engine is sent. */
export const openaiFields: ReadonlySet<string> = new Set(
  [
    "model messages prompt input suffix echo stream stream_options max_tokens max_completion_tokens",
    "temperature top_p n stop presence_penalty frequency_penalty logit_bias logprobs top_logprobs seed user",
    "tools tool_choice parallel_tool_calls functions function_call response_format reasoning_effort verbosity",
    "query documents top_n text_1 text_2",
    "modalities audio prediction metadata service_tier store dimensions encoding_format",
  ].flatMap((names) => names.split(" ")),
);

/**
 * Members with which an engine can only answer in one piece: vLLM refuses `prompt_logprobs` in a stream, and OpenAI
 * streams sound in another form than it has in a whole answer. Whoever leaves such a call pays its prompt, since nobody
 * is told how much was made; so it is little (`unstreamedTokensMax`). Every other call for text is asked of its engine
 * as a stream: `echo` and `max_tokens` of 0 can be streamed, and so can logprobs, tools and several choices, by each
 * engine that has them.
 */
const wholeMembers = ["prompt_logprobs", "audio"];

/** True when the engine can answer this body as a stream. */
export function mayStream(body: Readonly<Record<string, unknown>>): boolean {
  return wholeMembers.every((name) => body[name] === undefined || body[name] === null);
}
