import { beforeEach, describe, expect, test } from "vitest";
import { GgufError } from "#origin/gguf/gguf-error.ts";
import { openLlama, type Llama, type GenerateRequest } from "#origin/gguf/llama.ts";
import type {
  Chat,
  Completion,
  GenerateOptions,
  HistoryItem,
  LlamaModule,
  Runtime,
  Sequence,
} from "#origin/gguf/module.ts";

/**
 * node-llama-cpp's shape with nothing behind it: a token a character, 1 before each text. What the real one does is
 * checked by test/infra/checks/accept/gguf/gguf.accept.ts.
 */
const codes = (text: string) => Array.from(text, (char) => char.charCodeAt(0));
const sampling: GenerateRequest["sampling"] = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  seed: null,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionPenalty: 1,
};
const never = new AbortController().signal;
const cold = { index: 0, isWarm: false };
const warm = { index: 0, isWarm: true };

let sequences: FakeSequence[];
let requests: { options: GenerateOptions; history?: HistoryItem[]; prompt?: string }[];
let grammars: unknown[];
let runtime: Runtime;
let opened: unknown[];

class FakeSequence implements Sequence {
  tokens: number[] = [];
  readings: number[] = [];
  tokenMeter = { usedOutputTokens: 1_000 };
  get nextTokenIndex() {
    return this.tokens.length;
  }
  async clearHistory() {
    this.tokens = [];
  }
  async adaptStateToTokens(tokens: number[]) {
    const differs = this.tokens.findIndex((token, at) => token !== tokens[at]);
    if (differs >= 0) this.tokens = this.tokens.slice(0, differs);
  }
  async evaluateWithoutGeneratingNewTokens(tokens: number[]) {
    this.readings.push(tokens.length);
    this.tokens.push(...tokens);
  }
}

class FakeChat implements Chat {
  #sequence: FakeSequence;
  constructor({ contextSequence }: { contextSequence: Sequence }) {
    this.#sequence = contextSequence as FakeSequence;
  }
  chatWrapper: Chat["chatWrapper"] = {
    generateContextState({ chatHistory }) {
      if (chatHistory.some((item) => item.type === "system" && item.text === "forbidden"))
        throw new Error("only user and model");
      return {
        contextText: {
          tokenize: () => [
            1,
            ...chatHistory.flatMap((item) => codes(item.type === "model" ? item.response.join("") : item.text)),
          ],
        },
      };
    },
  };
  generateResponse: Chat["generateResponse"] = async (history, options) => {
    requests.push({ options, history });
    this.#sequence.tokenMeter.usedOutputTokens += 2;
    options.onResponseChunk({ type: "segment", text: "hm" });
    this.#sequence.tokenMeter.usedOutputTokens += 3;
    options.onResponseChunk({ text: "Hi" });
    // The token that ended it comes in no chunk.
    this.#sequence.tokenMeter.usedOutputTokens += 1;
    return { metadata: { stopReason: "eogToken" } };
  };
}

class FakeCompletion implements Completion {
  generateCompletionWithMeta: Completion["generateCompletionWithMeta"] = async (prompt, options) => {
    requests.push({ options, prompt });
    return { metadata: { stopReason: "maxTokens" } };
  };
}

const model: Awaited<ReturnType<Runtime["loadModel"]>> = {
  tokenizer: "tokenizer",
  tokens: { bos: 1, shouldPrependBosToken: true },
  tokenize: (text, _, option) => codes(option === "trimLeadingSpace" ? text : ` ${text}`),
  async createContext(options) {
    opened.push(options);
    return {
      contextSize: 512,
      getSequence() {
        const sequence = new FakeSequence();
        sequences.push(sequence);
        return sequence;
      },
    };
  },
};

const load = async (): Promise<LlamaModule> => ({
  getLlama: async (options) => {
    opened.push(options);
    return runtime;
  },
  LlamaChat: FakeChat,
  LlamaCompletion: FakeCompletion,
  getModuleVersion: async () => "3.0.0",
});

let llama: Llama;
beforeEach(async () => {
  [sequences, requests, grammars, opened] = [[], [], [], []];
  runtime = {
    cpuMathCores: 8,
    maxThreads: 4,
    llamaCppRelease: { release: "b1" },
    loadModel: async () => model,
    getGrammarFor: async (name) => (grammars.push(name), { name }),
    createGrammarForJsonSchema: async (schema) => (grammars.push(schema), { schema }),
  };
  llama = await openLlama("model.gguf", { load });
});

function say(prompt: GenerateRequest["prompt"], over: Partial<GenerateRequest> = {}) {
  const heard: [string, boolean, number][] = [];
  const speech: GenerateRequest = {
    prompt,
    maxTokens: 9,
    sampling,
    stop: [],
    format: null,
    signal: never,
    onText: (...piece) => void heard.push(piece),
    ...over,
  };
  return llama.generate(cold, speech).then((result) => ({ result, heard }));
}

describe("a model that is opened", () => {
  test("never builds or downloads anything, leaves a core to others, and keeps the end of its context free", () => {
    expect(opened).toEqual([
      { build: "never", logLevel: "error" },
      { sequences: 4, contextSize: { max: 8_194 } },
    ]);
    expect(runtime.maxThreads).toBe(7);
    expect(llama).toMatchObject({ version: "3.0.0+llama.cpp-b1", contextTokensMax: 510, slots: 4 });
  });

  test.each<[string, Partial<LlamaModule>, string]>([
    [
      "no binary for this machine",
      { getLlama: () => Promise.reject(new Error("NoBinaryFoundError")) },
      "llama.cpp does not run on this machine: Error: NoBinaryFoundError",
    ],
    [
      "a file that is no model",
      { getLlama: async () => ({ ...runtime, loadModel: () => Promise.reject(new Error("bad magic")) }) },
      "cannot load the model: Error: bad magic",
    ],
  ])("%s is a fault of configuration", async (_, over, message) => {
    await expect(openLlama("x", { load: async () => ({ ...(await load()), ...over }) })).rejects.toMatchObject({
      name: "config_unreadable",
      message: expect.stringContaining(message),
    });
  });
});

describe("a prompt", () => {
  test("is counted as it will be read: a template's marks, and the mark before a text", () => {
    expect(llama.count({ turns: [{ role: "user", text: "abc" }] })).toBe(4);
    expect(llama.count({ text: "abc" })).toBe(4);
    expect(llama.count({ text: "abc", isBare: true })).toBe(3);
  });

  test("that the model's template refuses is the caller's fault", () => {
    const refused = () => llama.count({ turns: [{ role: "system", text: "forbidden" }] });
    expect(refused).toThrow(GgufError);
    expect(refused).toThrow(expect.objectContaining({ status: 400, param: "messages" }));
  });

  test("is read in pieces, all but its last token, and not beyond the caller's leaving", async () => {
    const prompt = { text: "x".repeat(300) };
    expect(await llama.read(cold, prompt, never)).toBe(0);
    expect(sequences[0]!.readings).toEqual([128, 128, 44]);
    expect(await llama.read({ index: 1, isWarm: false }, prompt, AbortSignal.abort())).toBe(0);
    expect(sequences[1]!.readings).toEqual([]);
  });

  test("is built upon what lies there in a warm slot only", async () => {
    await llama.read(cold, { text: "abcdef" }, never);
    expect(await llama.read(warm, { text: "abcxyz" }, never)).toBe(4);
    expect(await llama.read(cold, { text: "abcxyz" }, never)).toBe(0);
    expect(sequences[0]!.readings).toEqual([6, 2, 6]);
  });
});

describe("an answer", () => {
  test("is counted by llama.cpp, the last and held-back tokens included; thoughts are marked", async () => {
    expect(
      await say({
        turns: [
          { role: "system", text: "s" },
          { role: "user", text: "u" },
          { role: "assistant", text: "a" },
        ],
      }),
    ).toEqual({
      result: { reason: "stop", completionTokens: 6 },
      heard: [
        ["hm", true, 2],
        ["Hi", false, 5],
      ],
    });
    expect(requests[0]!.history).toEqual([
      { type: "system", text: "s" },
      { type: "user", text: "u" },
      { type: "model", response: ["a"] },
      { type: "model", response: [] },
    ]);
  });

  test("to a text ends by length when it reaches its bound, and never pushes the text out of the context", async () => {
    expect((await say({ text: "abc" })).result).toEqual({ reason: "length", completionTokens: 0 });
    expect(requests[0]).toMatchObject({ prompt: "abc", options: { contextShiftSize: 1, disableContextShift: true } });
  });

  test("is sampled as requested, with no penalty that nobody requested", async () => {
    await say({ text: "a" }, { stop: ["x"] });
    expect(requests[0]!.options).toMatchObject({
      maxTokens: 9,
      temperature: 1,
      topP: 1,
      topK: 0,
      minP: 0,
      repeatPenalty: false,
      customStopTriggers: ["x"],
      stopOnAbortSignal: true,
    });
    expect(requests[0]!.options).not.toHaveProperty("seed");
    await say({ text: "a" }, { sampling: { ...sampling, seed: 7, topK: 3, frequencyPenalty: 0.5 } });
    expect(requests[1]!.options).toMatchObject({
      seed: 7,
      topK: 3,
      repeatPenalty: { penalty: 1, frequencyPenalty: 0.5, presencePenalty: 0, lastTokens: 9, penalizeNewLine: true },
    });
  });

  test("in JSON is held to a grammar", async () => {
    await say({ text: "a" }, { format: "json" });
    await say({ text: "a" }, { format: { schema: { type: "string" } } });
    await say({ text: "a" });
    expect(grammars).toEqual(["json", { type: "string" }]);
    expect(requests.map(({ options }) => options.grammar)).toEqual([
      { name: "json" },
      { schema: { type: "string" } },
      undefined,
    ]);
  });
});
