import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveGguf, type GgufServer } from "#origin/engines/gguf.ts";
import type { Llama } from "#origin/engines/llama.ts";
import { eventsOf, setUp, textOfStream, until, type Setup } from "#test/support/origin.ts";

const file = join(mkdtempSync(join(tmpdir(), "gguf-")), "tiny.gguf");
let server: GgufServer;
let setup: Setup;
let atOnce = 0;
let atOnceMax = 0;

/** A llama that says the words of the last turn back, one token a word. */
const parrot: Llama = {
  version: "3",
  contextTokensMax: 50,
  count: (turns) => turns.reduce((sum, { text }) => sum + text.split(" ").length, 0),
  async speak(turns, { maxTokens, onText, signal }) {
    atOnceMax = Math.max(atOnceMax, ++atOnce);
    const words = (turns.at(-1)?.text ?? "").split(" ").slice(0, maxTokens);
    for (const word of words) {
      if (signal.aborted) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
      onText("", 1);
      onText(`${word} `, 0);
    }
    atOnce--;
    return words.length === maxTokens ? "length" : "stop";
  },
};

beforeAll(async () => {
  writeFileSync(file, "");
  server = await serveGguf(file, async () => parrot);
  setup = await setUp(server.url, { engines: [{ kind: "llamacpp", url: server.url, models: { public: server.model } }] });
});
afterAll(async () => {
  await setup.stop();
  await server.close();
});

describe("llama.cpp behind the agent", () => {
  test("streams, is counted, and ends with [DONE]", async () => {
    const { text } = await setup.call({ stream: true, messages: [{ role: "user", content: "one two three" }], stream_options: { include_usage: true } });
    expect(textOfStream(text)).toBe("one two three ");
    expect(JSON.parse(eventsOf(text).at(-2) ?? "").usage).toEqual({ prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 });
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    await until(() => setup.edge.finals().length === 1);
    expect(setup.edge.finals()[0]).toMatchObject({ promptTokens: 3, completionTokens: 3, outcome: "done" });
  });

  test("answers whole, chat and plain, within max_tokens", async () => {
    const chat = JSON.parse((await setup.call({ messages: [{ role: "user", content: "a b c d" }], max_tokens: 2 })).text);
    expect(chat).toMatchObject({ object: "chat.completion", model: "public", choices: [{ message: { content: "a b " }, finish_reason: "length" }], usage: { prompt_tokens: 4, completion_tokens: 2 } });
    const plain = JSON.parse((await setup.call({ prompt: "a b", messages: undefined }, { endpoint: "completions" }, "/v1/completions")).text);
    expect(plain).toMatchObject({ object: "text_completion", choices: [{ text: "a b " }] });
  });

  test("a prompt that fills the context is refused as such", async () => {
    const { status, text } = await setup.call({ messages: [{ role: "user", content: "x ".repeat(60) }] });
    expect([status, JSON.parse(text).error.code]).toEqual([400, "context_length_exceeded"]);
  });

  test("calls take turns, since one model has one memory", async () => {
    atOnceMax = 0;
    const answers = await Promise.all(Array.from({ length: 5 }, () => setup.call({ messages: [{ role: "user", content: "a b c" }] })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(atOnceMax).toBe(1);
  });

  test("a file that is not there is named", async () => {
    await expect(serveGguf("/nowhere.gguf", async () => parrot)).rejects.toMatchObject({ name: "config_unreadable" });
  });
});
