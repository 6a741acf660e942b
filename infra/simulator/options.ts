import { blockTokens } from "./engine/blocks.ts";
import { realClock, type Clock } from "./engine/clock.ts";
import type { FaultRule } from "./faults.ts";

/** What a model answers with: prose, SQL, vectors, scores of texts read together, transcripts, speech, or pictures. */
export type ModelOutput = "prose" | "sql" | "vectors" | "scores" | MediaOutput;
/** What is no text, or is made of none. */
export type MediaOutput = "transcripts" | "speech" | "images";

/** A model of the simulator. The first name is the one in answers; the others are aliases. */
export interface ModelOptions {
  names: readonly [string, ...string[]];
  output?: ModelOutput;
  /** By default the profile's. */
  contextTokens?: number;
  /** What each picture, sound or film of a message counts; 0, the default, for a model that takes none. */
  mediaTokens?: number;
  /** So many tokens of each free chat answer are reasoning, as a `--reasoning-parser` finds them; by default none. */
  thinkingTokens?: number;
}

/**
 * How an engine is sized and how fast it is. There is one engine per model, as on a node where each model has a GPU of
 * its own.
 */
export interface EngineProfile {
  /** KV pool, in blocks of 16 tokens. */
  blocks: number;
  maxNumSeqs: number;
  maxBatchedTokens: number;
  contextTokens: number;
  /** Sequences running and waiting together; beyond that 503. `null` queues without bound, as vLLM does by default. */
  maxQueued: number | null;
  /** A step = `stepMs` + prefill tokens × `prefillMsPerToken` + tokens in the pool × `kvMsPerToken`. */
  stepMs: number;
  prefillMsPerToken: number;
  kvMsPerToken: number;
  /** vLLM's `--scheduling-policy priority`: lower first. Without it `priority` is ignored. */
  isPriority: boolean;
}

/** How a simulator is set up; everything has a default, which is an L4 with a 7B model. */
export interface SimulatorOptions {
  models?: readonly ModelOptions[];
  host?: string;
  /** 0 takes any free port. */
  port?: number;
  /**
   * What differs from an L4 with a 7B model. A given `stepMs` scales the other times with it unless they are given too.
   */
  profile?: Partial<EngineProfile>;
  clock?: Clock;
  /** Mean length of prose that ends by itself. `Infinity`: only `max_tokens` ends it. */
  answerTokensMean?: number;
  /** Tokens gathered into one chunk: 1 as vLLM does; more makes the simulator a cheaper source of load. */
  tokensPerChunk?: number;
  /** When set, `/v1/*` wants `authorization: Bearer <apiKey>`, and nothing else does: as vLLM's `--api-key`. */
  apiKey?: string | null;
  faults?: readonly FaultRule[];
  /** What a `kill` fault does after every socket is destroyed. The runnable entry exits the process here. */
  onKill?: () => void;
}

/** Options with every default filled in. */
export type SimulatorSettings = Required<Omit<SimulatorOptions, "profile" | "models">> & {
  profile: EngineProfile;
  models: readonly Required<ModelOptions>[];
};

/** An L4 with a 7B model: 5.17 GiB of KV at 57,344 B a token, 51 ms a decode step, 0.21 ms a prefill token. */
export const l4Profile: Readonly<EngineProfile> = {
  blocks: 6_050,
  maxNumSeqs: 32,
  maxBatchedTokens: 2_048,
  contextTokens: 8_192,
  maxQueued: 48,
  stepMs: 51,
  prefillMsPerToken: 0.21,
  kvMsPerToken: 0.000_19,
  isPriority: true,
};

const seedModels: readonly ModelOptions[] = [
  { names: ["Qwen/Qwen2.5-7B-Instruct", "chat"] },
  { names: ["Snowflake/Arctic-Text2SQL-R1-7B", "text2sql"], output: "sql" },
];

/** Fills in defaults. The context never exceeds the pool: vLLM refuses to start otherwise. */
export function resolveOptions(options: SimulatorOptions): SimulatorSettings {
  const pace = (options.profile?.stepMs ?? l4Profile.stepMs) / l4Profile.stepMs;
  const scaled = { prefillMsPerToken: l4Profile.prefillMsPerToken * pace, kvMsPerToken: l4Profile.kvMsPerToken * pace };
  const models = options.models ?? seedModels;
  // A pool that was not sized by hand holds the longest context of any model.
  const contextMax = Math.max(0, ...models.map((model) => model.contextTokens ?? 0));
  const blocks = Math.max(l4Profile.blocks, Math.ceil(contextMax / blockTokens) + 1);
  const profile = { ...l4Profile, blocks, ...scaled, ...options.profile };
  const poolTokens = (profile.blocks - 1) * blockTokens;
  const contextTokens = Math.min(profile.contextTokens, poolTokens);
  if (contextTokens < blockTokens) throw new RangeError("a pool of fewer than 2 blocks holds no context");
  return {
    models: models.map((model) => ({
      names: model.names,
      output: model.output ?? guessOutput(model.names),
      contextTokens: Math.min(model.contextTokens ?? contextTokens, poolTokens),
      mediaTokens: model.mediaTokens ?? 0,
      thinkingTokens: model.thinkingTokens ?? 0,
    })),
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    profile: { ...profile, contextTokens },
    clock: options.clock ?? realClock(),
    answerTokensMean: options.answerTokensMean ?? 80,
    tokensPerChunk: options.tokensPerChunk ?? 1,
    apiKey: options.apiKey ?? null,
    faults: options.faults ?? [],
    onKill: options.onKill ?? (() => {}),
  };
}

const guessOutput = (names: readonly string[]): ModelOutput =>
  names.some((name) => /sql/i.test(name)) ? "sql" : "prose";
