import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Llama, LlamaPrompt } from "#origin/gguf/llama.ts";
import { serveGguf, type GgufServer } from "#origin/gguf/server.ts";
import { eventsOf, setUp, textOfStream, until, type Setup } from "#test/support/fakes/origin.ts";

let server: GgufServer;
let setup: Setup;
let atOnce = 0;
let atOnceMax = 0;
let salts: boolean[] = [];
let made = 0;
let fault: Error | null = null;
/** While it is there, nobody speaks. */
let gate: Promise<void> | null = null;

const readWords = (prompt: LlamaPrompt) =>
  ("text" in prompt ? prompt.text : prompt.turns.map(({ text }) => text).join(" ")).split(" ");

/** A llama that says the words of its prompt back, one token a word, one more token to end. */
const parrot: Llama = {
  version: "3",
  contextTokensMax: 50,
  slots: 2,
  count: (prompt) => readWords(prompt).length,
  async read({ isWarm }) {
    salts.push(isWarm);
    return isWarm ? 1 : 0;
  },
  async generate(_, { prompt, maxTokens, onText, signal }) {
    atOnceMax = Math.max(atOnceMax, ++atOnce);
    let tokens = 0;
    try {
      await gate;
      for (const word of readWords(prompt)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (signal.aborted) throw signal.reason;
        if (fault && tokens > 0) throw fault;
        made++;
        onText(`${word} `, false, ++tokens);
        if (tokens === maxTokens) return { reason: "length", completionTokens: tokens };
      }
      return { reason: "stop", completionTokens: tokens + 1 };
    } finally {
      atOnce--;
    }
  },
};

const logs: string[] = [];
beforeAll(async () => {
  server = await serveGguf(parrot, { name: "tiny", waitMsMax: 1_500, log: (line) => void logs.push(line) });
  setup = await setUp(server.url, { engines: [{ kind: "llamacpp", url: server.url, models: { public: "tiny" } }] });
});
beforeEach(() => {
  [atOnceMax, made, fault, salts, gate] = [0, 0, null, [], null];
});
afterAll(async () => {
  await setup.stop();
  await server.close();
});

const say = (content: string) => ({ messages: [{ role: "user", content }], max_tokens: 9 });
const readFinal = async (hold: string) => {
  await until(() => setup.edge.finals().some((record) => record.hold === hold));
  return setup.edge.finals().find((record) => record.hold === hold);
};
const ask = async (path: string, body?: unknown) => {
  const answer = await fetch(
    server.url + path,
    body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) },
  );
  return { status: answer.status, body: JSON.parse((await answer.text()) || "null") };
};

describe("llama.cpp behind the agent", () => {
  test("streams, is counted by llama.cpp's own count, and ends with [DONE]", async () => {
    const { text } = await setup.call({
      stream: true,
      ...say("one two three"),
      stream_options: { include_usage: true },
    });
    expect(textOfStream(text)).toBe("one two three ");
    expect(JSON.parse(eventsOf(text).at(-2) ?? "").usage).toEqual({
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 7,
    });
    expect(
      eventsOf(text)
        .slice(0, -2)
        .some((event) => event.includes('"usage"')),
    ).toBe(false);
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    await until(() => setup.edge.finals().length === 1);
    expect(setup.edge.finals()[0]).toMatchObject({ promptTokens: 3, completionTokens: 4, outcome: "completed" });
  });

  test("answers whole, chat and plain, within max_tokens", async () => {
    const chat = JSON.parse((await setup.call({ ...say("a b c d"), max_tokens: 2 })).text);
    expect(chat).toMatchObject({
      object: "chat.completion",
      model: "public",
      choices: [{ message: { content: "a b " }, finish_reason: "length" }],
      usage: { prompt_tokens: 4, completion_tokens: 2 },
    });
    const plain = JSON.parse(
      (
        await setup.call(
          { prompt: "a b", messages: undefined, max_tokens: 9 },
          { endpoint: "completions" },
          "/v1/completions",
        )
      ).text,
    );
    expect(plain).toMatchObject({ object: "text_completion", choices: [{ text: "a b " }] });
  });

  test("a caller who leaves is billed what was made by then, and it stops", async () => {
    const { request, answer, hold } = await setup.open({
      stream: true,
      ...say("word ".repeat(40).trim()),
      max_tokens: 5,
    });
    (await answer).once("data", () => undefined);
    await until(() => made >= 3);
    request.destroy();
    const record = await readFinal(hold);
    expect(record).toMatchObject({ promptTokens: 40, outcome: "cancelled" });
    expect(record!.completionTokens).toBeGreaterThanOrEqual(1);
    expect(record!.completionTokens).toBeLessThanOrEqual(made);
    await until(() => atOnce === 0);
  });

  test("an org finds its own prefix in the cache, another does not", async () => {
    await setup.call(say("a"), { org: "org_aaaaaaaaaa" });
    await setup.call(say("a"), { org: "org_aaaaaaaaaa" });
    await setup.call(say("a"), { org: "org_bbbbbbbbbb" });
    expect(salts).toEqual([false, true, false]);
  });

  test("a prompt that fills the context is refused as such; our default bound shrinks to what is left", async () => {
    const { status, text } = await setup.call(say("x ".repeat(60)));
    expect([status, JSON.parse(text).error.code, JSON.parse(text).error.param]).toEqual([
      400,
      "context_length_exceeded",
      "messages",
    ]);
    const shrunk = await setup.call({ ...say("x ".repeat(45)), max_tokens: undefined }, { isDefaultMax: true });
    expect(JSON.parse(shrunk.text)).toMatchObject({
      choices: [{ finish_reason: "length" }],
      usage: { prompt_tokens: 46, completion_tokens: 4 },
    });
  });

  test("what it cannot do is refused by name", async () => {
    for (const stream of [false, true]) {
      const { status, text } = await setup.call({
        ...say("a"),
        stream,
        tools: [{ type: "function", function: { name: "f" } }],
      });
      expect([status, JSON.parse(text).error.code, JSON.parse(text).error.param]).toEqual([
        400,
        "unsupported_parameter",
        "tools",
      ]);
    }
  });

  test("two generate at once, others wait for a slot; who would wait too long is refused", async () => {
    const answers = await Promise.all(Array.from({ length: 3 }, () => setup.call(say("a b c"))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(atOnceMax).toBe(2);
    let open = () => {};
    gate = new Promise((resolve) => (open = resolve));
    const crowd = Array.from({ length: 4 }, () => setup.call(say("a b c")));
    const first = await Promise.race(crowd);
    expect([first.status, JSON.parse(first.text).error.code]).toEqual([503, "server_is_overloaded"]);
    open();
    expect((await Promise.all(crowd)).filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
  });

  test("a failure of the model is a broken stream, or 502, and its words stay here", async () => {
    fault = new Error("GGML_ASSERT secret-canary");
    const streamed = await setup.call({ stream: true, ...say("a b c") });
    expect(JSON.parse(eventsOf(streamed.text).at(-1) ?? "").error.code).toBe("stream_broken");
    const whole = await setup.call(say("a b c"));
    expect(whole.status).toBe(502);
    expect(streamed.text + whole.text).not.toContain("secret-canary");
    expect(logs.at(-1)).toContain("secret-canary");
  });
});

describe("by itself", () => {
  test("it says what it is", async () => {
    expect((await ask("/health")).status).toBe(200);
    expect(await ask("/version")).toEqual({ status: 200, body: { version: "3" } });
    expect((await ask("/v1/models")).body.data).toMatchObject([{ id: "tiny", max_model_len: 50 }]);
    expect((await ask("/tokenize", { model: "tiny", prompt: "a b" })).body).toEqual({ count: 2, max_model_len: 50 });
  });

  test.each<[string, unknown, number, string | null]>([
    ["/v1/embeddings", { input: "x" }, 404, null],
    ["/v1/chat/completions", { model: "other", messages: [] }, 404, "model"],
    ["/v1/chat/completions", "{", 400, null],
    ["/v1/chat/completions", { messages: "x" }, 400, "messages"],
    ["/v1/completions", { prompt: "a", echo: true }, 501, "echo"],
  ])("%s %j is refused with %i", async (path, body, status, param) => {
    const answer = await ask(path, body);
    expect([answer.status, answer.body.error.param, answer.body.error.code]).toEqual([status, param, status]);
  });
});
