import { ConfigError } from "../config.ts";
import { readCause } from "../log.ts";

/** The parts of node-llama-cpp 3.2x that are used. It is optional, so its own types are not there to import. */
export interface LlamaModule {
  getLlama(options: { build: "never"; logLevel: "error" }): Promise<Runtime>;
  LlamaChat: new (options: { contextSequence: Sequence }) => Chat;
  LlamaCompletion: new (options: { contextSequence: Sequence }) => Completion;
  getModuleVersion(): Promise<string>;
}

/** llama.cpp, running in this process. */
export interface Runtime {
  cpuMathCores: number;
  maxThreads: number;
  llamaCppRelease: { release: string };
  loadModel(options: { modelPath: string }): Promise<Model>;
  getGrammarFor(type: "json"): Promise<Grammar>;
  createGrammarForJsonSchema(schema: object): Promise<Grammar>;
}

/** A loaded model. */
export interface Model {
  tokenizer: unknown;
  tokens: { bos: number | null; shouldPrependBosToken: boolean };
  tokenize(text: string, specialTokens: false, options?: "trimLeadingSpace"): number[];
  createContext(options: {
    sequences: number;
    contextSize: { max: number };
  }): Promise<{ contextSize: number; getSequence(): Sequence }>;
}

/** One text in the model's memory. */
export interface Sequence {
  /** How many tokens lie in it. */
  nextTokenIndex: number;
  tokenMeter: { usedOutputTokens: number };
  clearHistory(): Promise<void>;
  /** Forgets what differs from these tokens. */
  adaptStateToTokens(tokens: number[], allowShift: false): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
}

/** Opaque: made here, handed back. */
export type Grammar = object;

/** One message of a conversation, in node-llama-cpp's form. */
export type HistoryItem = { type: "system" | "user"; text: string } | { type: "model"; response: string[] };

/** How an answer is generated. */
export interface GenerateOptions {
  maxTokens: number;
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  seed?: number;
  repeatPenalty:
    | false
    | { lastTokens: number; penalizeNewLine: true; penalty: number; frequencyPenalty: number; presencePenalty: number };
  grammar?: Grammar;
  customStopTriggers: string[];
  signal: AbortSignal;
  stopOnAbortSignal: true;
}

interface Result {
  metadata: {
    stopReason: "eogToken" | "stopGenerationTrigger" | "customStopTrigger" | "functionCalls" | "maxTokens" | "abort";
  };
}

/** Generates the next message of a conversation. */
export interface Chat {
  chatWrapper: {
    generateContextState(options: { chatHistory: HistoryItem[] }): {
      contextText: { tokenize(tokenizer: unknown): number[] };
    };
  };
  generateResponse(
    history: HistoryItem[],
    options: GenerateOptions & {
      budgets: { thoughtTokens: number; commentTokens: number };
      onResponseChunk(chunk: { type?: "segment"; text: string }): void;
    },
  ): Promise<Result>;
}

/** Generates what follows a text. */
export interface Completion {
  generateCompletionWithMeta(
    prompt: string,
    options: GenerateOptions & { contextShiftSize: number; disableContextShift: true; onTextChunk(text: string): void },
  ): Promise<Result>;
}

const moduleName = "node-llama-cpp";
/** The version that the install command names. */
export const moduleVersion = "3.22.1";

/**
 * Loads the optional module. Throws ConfigError: with the install command when it is absent, with its own words when it
 * does not load.
 */
export async function loadLlamaModule(load: () => Promise<unknown> = () => import(moduleName)): Promise<LlamaModule> {
  try {
    const module = await load();
    if (isLlamaModule(module)) return module;
  } catch (error) {
    const isAbsent = readCause(error) === "ERR_MODULE_NOT_FOUND" && String(error).includes(`'${moduleName}'`);
    if (isAbsent)
      throw new ConfigError(
        "config_missing",
        `gguf: llama.cpp is not installed; run: npm install --no-save ${moduleName}@${moduleVersion}`,
      );
    throw new ConfigError("config_unreadable", `gguf: ${moduleName} does not load: ${describeError(error)}`);
  }
  throw new ConfigError(
    "config_invalid",
    `gguf: this is not the ${moduleName} we know; run: npm install --no-save ${moduleName}@${moduleVersion}`,
  );
}

/** The first line of what a library says of its failure: for the operator, never for a caller. */
export function describeError(error: unknown): string {
  return (
    (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split("\n")[0]?.slice(0, 300) ?? ""
  );
}

/**
 * The names that are used are there; what they take is checked by `npm run accept -- --only gguf`, against the real
 * one.
 */
function isLlamaModule(value: unknown): value is LlamaModule {
  return (
    typeof value === "object" &&
    value !== null &&
    ["getLlama", "LlamaChat", "LlamaCompletion", "getModuleVersion"].every((name) => name in value)
  );
}
