import type { BlockKeys } from "./blocks.ts";

/** What the engine must know of a sequence. The owner makes the tokens; the engine says when. */
export interface Work {
  /** The prompt, then what has been generated. */
  readonly tokens: readonly number[];
  readonly salt: string;
  readonly priority: number;
  /**
   * Called when the next token is computed: appends it to `tokens`, and says why the sequence ends with it, or `null`.
   */
  step(): "stop" | "length" | null;
}

/** A sequence that the engine has taken, as its owner sees it. */
export interface SequenceHandle {
  readonly work: Work;
  readonly promptTokens: number;
  /** Prompt tokens that were found in the pool, and those that were newly put there; known once the first token is. */
  readonly cachedTokens: number;
  readonly createdTokens: number;
}

/** The engine's own view of a sequence. */
export interface EngineSequence extends SequenceHandle {
  cachedTokens: number;
  createdTokens: number;
  readonly keys: BlockKeys;
  readonly blocks: number[];
  readonly arrival: number;
  readonly arrivedAtMs: number;
  state: "waiting" | "running" | "ended";
  isFrozen: boolean;
  /** Tokens whose KV is in the pool, tokens to be computed in this step, blocks that can be found by others. */
  computed: number;
  want: number;
  named: number;
  lastTokenAtMs: number | null;
}
