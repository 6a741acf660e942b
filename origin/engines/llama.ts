import { createRequire } from "node:module";
import { ConfigError } from "../config.ts";

/** One turn of a conversation; `raw` is a prompt without a template. */
export interface Turn {
  role: "system" | "user" | "assistant" | "raw";
  text: string;
}

export interface SpeakOptions {
  maxTokens: number;
  temperature: number;
  signal: AbortSignal;
  /** A piece of text and how many tokens it took; held-back characters come as an empty text. */
  onText(text: string, tokens: number): void;
}

/** A model in this process. One call at a time. */
export interface Llama {
  version: string;
  contextTokensMax: number;
  count(turns: Turn[]): number;
  /** Resolves with the finish reason in OpenAI's word. */
  speak(turns: Turn[], options: SpeakOptions): Promise<"stop" | "length">;
}

/** The parts of node-llama-cpp 3.22 that are used. It is optional, so its own types are not there to import. */
interface LlamaModule {
  getLlama(): Promise<{ loadModel(options: { modelPath: string }): Promise<Model> }>;
  LlamaChat: new (options: { contextSequence: Sequence }) => Chat;
  LlamaCompletion: new (options: { contextSequence: Sequence }) => Completion;
}
interface Model {
  tokenizer: unknown;
  tokenize(text: string): unknown[];
  createContext(options: { contextSize: { max: number } }): Promise<{ contextSize: number; getSequence(): Sequence }>;
}
interface Sequence {
  clearHistory(): Promise<void>;
}
type HistoryItem = { type: "system" | "user"; text: string } | { type: "model"; response: string[] };
interface GenerateOptions {
  maxTokens: number;
  temperature: number;
  signal: AbortSignal;
  stopOnAbortSignal: true;
  onTextChunk(text: string): void;
  onToken(tokens: unknown[]): void;
}
interface Result {
  metadata: { stopReason: string };
}
interface Chat {
  chatWrapper: { generateContextState(options: { chatHistory: HistoryItem[] }): { contextText: { tokenize(tokenizer: unknown): unknown[] } } };
  generateResponse(history: HistoryItem[], options: GenerateOptions): Promise<Result>;
}
interface Completion {
  generateCompletionWithMeta(prompt: string, options: GenerateOptions): Promise<Result>;
}

const contextTokensMax = 8_192;
const moduleName = "node-llama-cpp";

/** Loads a GGUF file. Throws ConfigError with the install command when the optional module is absent. */
export async function openLlama(path: string): Promise<Llama> {
  const { getLlama, LlamaChat, LlamaCompletion } = await loadModule();
  const model = await (await getLlama()).loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: { max: contextTokensMax } });
  const sequence = context.getSequence();
  const chat = new LlamaChat({ contextSequence: sequence });
  const completion = new LlamaCompletion({ contextSequence: sequence });
  return {
    version: versionOf(),
    contextTokensMax: context.contextSize,
    count([first, ...rest]) {
      if (first?.role === "raw") return model.tokenize(first.text).length;
      const chatHistory = historyOf(first ? [first, ...rest] : rest);
      return chat.chatWrapper.generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer).length;
    },
    async speak(turns, { maxTokens, temperature, signal, onText }) {
      const options: GenerateOptions = {
        maxTokens,
        temperature,
        signal,
        stopOnAbortSignal: true,
        onTextChunk: (text) => onText(text, 0),
        onToken: (tokens) => onText("", tokens.length),
      };
      const [first] = turns;
      const isRaw = first?.role === "raw";
      const { metadata } = isRaw ? await completion.generateCompletionWithMeta(first.text, options) : await chat.generateResponse(historyOf(turns), options);
      return metadata.stopReason === "maxTokens" ? "length" : "stop";
    },
  };
}

/** The last item is the answer to come. */
function historyOf(turns: Turn[]): HistoryItem[] {
  const said = turns.map(({ role, text }): HistoryItem => (role === "assistant" ? { type: "model", response: [text] } : { type: role === "system" ? "system" : "user", text }));
  return [...said, { type: "model", response: [] }];
}

async function loadModule(): Promise<LlamaModule> {
  try {
    const module: unknown = await import(moduleName);
    if (!isLlamaModule(module)) throw new TypeError("not the module we know");
    return module;
  } catch {
    throw new ConfigError("config_missing", `gguf: llama.cpp is not installed; run: npm install --no-save ${moduleName}@3.22.1`);
  }
}

/** The names that are used are there; what they take is known from 3.22's documentation. */
function isLlamaModule(value: unknown): value is LlamaModule {
  return typeof value === "object" && value !== null && ["getLlama", "LlamaChat", "LlamaCompletion"].every((name) => name in value);
}

function versionOf(): string {
  try {
    const { version } = createRequire(import.meta.url)(`${moduleName}/package.json`);
    return typeof version === "string" ? version : "unknown";
  } catch {
    return "unknown";
  }
}
