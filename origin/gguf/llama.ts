import type { JsonObject } from "#edge/agreements/json.ts";
import { ConfigError } from "../config.ts";
import { GgufError } from "./gguf-error.ts";
import {
  loadLlamaModule,
  describeError,
  type Chat,
  type Completion,
  type GenerateOptions,
  type Grammar,
  type HistoryItem,
  type LlamaModule,
  type Model,
  type Runtime,
  type Sequence,
} from "./module.ts";
import type { Slot } from "./slots.ts";

/** One turn of a conversation. */
export interface Turn {
  role: "system" | "user" | "assistant";
  text: string;
}

/**
 * A text that goes through no template. `isBare` leaves out the mark that the model wants at its beginning: for
 * counting only.
 */
export interface TextPrompt {
  text: string;
  isBare?: boolean;
}

/** A conversation, which goes through the model's chat template, or a text. */
export type LlamaPrompt = { turns: Turn[] } | TextPrompt;

/** As OpenAI and vLLM name and mean them. */
export interface Sampling {
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  seed: number | null;
  presencePenalty: number;
  frequencyPenalty: number;
  repetitionPenalty: number;
}

/** What the model is to generate. */
export interface GenerateRequest {
  prompt: LlamaPrompt;
  maxTokens: number;
  sampling: Sampling;
  /** The answer ends before any of these. */
  stop: string[];
  /** JSON of any kind, JSON of a schema in node-llama-cpp's dialect, or free text. */
  format: "json" | { schema: JsonObject } | null;
  signal: AbortSignal;
  /** A piece of the answer; `completionTokens` is what llama.cpp has made by then, held-back characters included. */
  onText(text: string, isThought: boolean, completionTokens: number): void;
}

/** How an answer ended, by llama.cpp's own count: every token that was sampled, the one that ended it included. */
export interface GenerateResult {
  reason: "stop" | "length";
  completionTokens: number;
}

/** A model in this process. */
export interface Llama {
  version: string;
  contextTokensMax: number;
  /** How many may generate at once. */
  slots: number;
  /** Tokens of a prompt as the model reads it. Throws a Fault when the model's template takes no such conversation. */
  count(prompt: LlamaPrompt): number;
  /**
   * Reads the prompt into a slot, and resolves with how many of its tokens lay there already. Ends early when the
   * signal comes.
   */
  read(slot: Slot, prompt: LlamaPrompt, signal: AbortSignal): Promise<number>;
  generate(slot: Slot, request: GenerateRequest): Promise<GenerateResult>;
}

/** More would take more memory than a laptop has for four. */
const contextTokensDefault = 8_192;
/** node-llama-cpp drops the beginning of a conversation when its last two positions are reached: they stay free. */
const contextTokensSpare = 2;
const slots = 4;
/** A caller who leaves while their prompt is read is noticed after so many tokens of it. */
const readTokensMax = 128;

/** How the model is loaded. */
export interface LlamaOptions {
  /** The longest context wanted; a model or a memory that is smaller makes it smaller. */
  contextTokens?: number;
  load?: () => Promise<LlamaModule>;
}

/**
 * Loads a GGUF file. Throws ConfigError when the optional module is absent, has no binary for this machine, or cannot
 * read the file; nothing is ever downloaded or compiled.
 */
export async function openLlama(
  path: string,
  { contextTokens = contextTokensDefault, load = loadLlamaModule }: LlamaOptions = {},
): Promise<Llama> {
  const module = await load();
  const failed = (what: string) => (error: unknown) => {
    throw new ConfigError("config_unreadable", `gguf: ${what}: ${describeError(error)}`);
  };
  const runtime = await module
    .getLlama({ build: "never", logLevel: "error" })
    .catch(failed("llama.cpp does not run on this machine"));
  // Its own default is four at least: on fewer cores they wait for each other, a hundredfold slower. One core is left
  // to the edge and the agents.
  runtime.maxThreads = Math.max(1, runtime.cpuMathCores - 1);
  const model = await runtime.loadModel({ modelPath: path }).catch(failed("cannot load the model"));
  const context = await model
    .createContext({ sequences: slots, contextSize: { max: contextTokens + contextTokensSpare } })
    .catch(failed("too little memory"));
  const version = `${await module.getModuleVersion()}+llama.cpp-${runtime.llamaCppRelease.release}`;
  const states = Array.from({ length: slots }, () => openSlotState(module, context.getSequence()));
  return createLlama(runtime, model, states, {
    version,
    contextTokensMax: Math.min(contextTokens, context.contextSize - contextTokensSpare),
  });
}

/** Else a thought is broken off at three quarters of the context, whatever `max_tokens` is. */
const endless = { thoughtTokens: Infinity, commentTokens: Infinity };

/** A slot's own: one text in the model's memory and the two ways to go on with it. */
interface SlotState {
  sequence: Sequence;
  chat: Chat;
  completion: Completion;
}

function openSlotState({ LlamaChat, LlamaCompletion }: LlamaModule, sequence: Sequence): SlotState {
  return {
    sequence,
    chat: new LlamaChat({ contextSequence: sequence }),
    completion: new LlamaCompletion({ contextSequence: sequence }),
  };
}

function createLlama(
  runtime: Runtime,
  model: Model,
  states: SlotState[],
  facts: { version: string; contextTokensMax: number },
): Llama {
  const findState = ({ index }: Slot): SlotState => {
    const state = states[index];
    if (!state) throw new RangeError(`no slot ${index}`);
    return state;
  };
  const tokenizePrompt = (prompt: LlamaPrompt) =>
    "text" in prompt
      ? tokenizeText(model, prompt)
      : tokenizeTurns(model, findState({ index: 0, isWarm: false }).chat, prompt.turns);
  return {
    ...facts,
    slots: states.length,
    count: (prompt) => tokenizePrompt(prompt).length,
    async read(slot, prompt, signal) {
      const { sequence } = findState(slot);
      const tokens = tokenizePrompt(prompt);
      // The last token is read as the first of the answer is made.
      const end = tokens.length - 1;
      if (slot.isWarm && end > 0) await sequence.adaptStateToTokens(tokens.slice(0, end), false);
      else await sequence.clearHistory();
      const cached = sequence.nextTokenIndex;
      for (let at = cached; at < end && !signal.aborted; at += readTokensMax)
        await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, Math.min(at + readTokensMax, end)));
      return cached;
    },
    async generate(slot, request) {
      const { sequence, chat, completion } = findState(slot);
      const before = sequence.tokenMeter.usedOutputTokens;
      const countMade = () => sequence.tokenMeter.usedOutputTokens - before;
      const { prompt, onText } = request;
      const options = buildOptions(request, await buildGrammar(runtime, request.format));
      const { metadata } =
        "text" in prompt
          ? await completion.generateCompletionWithMeta(prompt.text, {
              ...options,
              contextShiftSize: 1,
              disableContextShift: true,
              onTextChunk: (text) => onText(text, false, countMade()),
            })
          : await chat.generateResponse(buildHistory(prompt.turns), {
              ...options,
              budgets: endless,
              onResponseChunk: ({ type, text }) => onText(text, type === "segment", countMade()),
            });
      return { reason: metadata.stopReason === "maxTokens" ? "length" : "stop", completionTokens: countMade() };
    },
  };
}

function tokenizeText(model: Model, { text, isBare }: TextPrompt): number[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  if (!shouldPrependBosToken || bos === null) return model.tokenize(text, false);
  const tokens = model.tokenize(text, false, "trimLeadingSpace");
  return isBare ? tokens : [bos, ...tokens];
}

function tokenizeTurns(model: Model, chat: Chat, turns: Turn[]): number[] {
  try {
    return chat.chatWrapper
      .generateContextState({ chatHistory: buildHistory(turns) })
      .contextText.tokenize(model.tokenizer);
  } catch (cause) {
    throw new GgufError(
      400,
      `the model's chat template refuses this conversation: ${describeError(cause)}`,
      "messages",
    );
  }
}

/** The last item is the answer to come. */
function buildHistory(turns: Turn[]): HistoryItem[] {
  const history = turns.map(({ role, text }): HistoryItem =>
    role === "assistant" ? { type: "model", response: [text] } : { type: role, text },
  );
  return [...history, { type: "model", response: [] }];
}

async function buildGrammar(runtime: Runtime, format: GenerateRequest["format"]): Promise<Grammar | null> {
  if (format === null) return null;
  return format === "json" ? runtime.getGrammarFor("json") : runtime.createGrammarForJsonSchema(format.schema);
}

/** Its own defaults, a penalty and cuts of the distribution among them, are not OpenAI's, so every option is set. */
function buildOptions(
  { maxTokens, sampling, stop, signal }: GenerateRequest,
  grammar: Grammar | null,
): GenerateOptions {
  const { temperature, topP, topK, minP, seed, presencePenalty, frequencyPenalty, repetitionPenalty } = sampling;
  const hasPenalty = presencePenalty !== 0 || frequencyPenalty !== 0 || repetitionPenalty !== 1;
  return {
    maxTokens,
    temperature,
    topP,
    topK,
    minP,
    ...(seed !== null && { seed }),
    repeatPenalty: hasPenalty && {
      lastTokens: maxTokens,
      penalizeNewLine: true,
      penalty: repetitionPenalty,
      frequencyPenalty,
      presencePenalty,
    },
    ...(grammar && { grammar }),
    customStopTriggers: stop,
    signal,
    stopOnAbortSignal: true,
  };
}
