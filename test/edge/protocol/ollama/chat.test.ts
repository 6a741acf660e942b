import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isObject } from "#edge/agreements/json.ts";
import type { ForeignEndpoint } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { ollamaChatWire } from "#edge/protocol/ollama/chat.ts";
import { restoreDigits } from "#edge/protocol/digits.ts";
import { wires } from "#edge/protocol/wires/wires.ts";
import { startedAtMs } from "#test/support/fakes/visit.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { png, readAt, translate, translateText } from "./world.ts";

const messages = [{ role: "user", content: "hi" }];
const chat = (over: object = {}) => translate(ollamaChatWire, { model: "chat", messages, ...over });

describe("a chat of Ollama's becomes one of OpenAI's", () => {
  test("that streams unless it is told not to, by the model's name without its tag", () => {
    expect(chat().json).toEqual({ model: "chat", stream: true, messages });
    expect(chat({ stream: null }).json["stream"]).toBe(true);
    expect(chat({ stream: false, model: "chat:latest" }).json).toMatchObject({ stream: false, model: "chat" });
  });

  test("with its options, its form, its tools and its thinking under the other names", () => {
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
    const options = { num_predict: 7, repeat_penalty: 1.1, seed: 3, stop: ["x"], top_k: 0, num_ctx: 4_096 };
    const sent = chat({ tools, options, format: { type: "object" }, think: "high", keep_alive: "5m", truncate: true });
    expect(sent.json).toEqual({
      model: "chat",
      stream: true,
      messages,
      tools,
      max_tokens: 7,
      repetition_penalty: 1.1,
      seed: 3,
      stop: ["x"],
      top_k: 0,
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
      chat_template_kwargs: { enable_thinking: true, thinking: true },
      reasoning_effort: "high",
    });
    expect(chat({ format: "json" }).json["response_format"]).toEqual({ type: "json_object" });
    expect(chat({ format: "" }).json).not.toHaveProperty("response_format");
    expect(chat({ think: false }).json).toMatchObject({ include_reasoning: false });
  });

  test("whose schema and arguments keep the digits that a double cannot", () => {
    const big = "12345678901234567890.5";
    const { json, exact } = translateText(
      ollamaChatWire,
      `{"model":"chat","format":{"type":"integer","const":${big}},"messages":[
        {"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"n":${big}}}}]}]}`,
    );
    const written = JSON.stringify(restoreDigits(json, exact));
    expect(written).toContain(`"const":${big}`);
    expect(written).toContain(`{\\"n\\":${big}}`);
  });

  test("or is answered at once where there are no messages", () => {
    const loaded = { model: "m", created_at: new Date(startedAtMs).toISOString(), done: true };
    const told = { ...loaded, message: { role: "assistant", content: "" } };
    expect(chat({ messages: [] }).early?.("m", startedAtMs)).toEqual({ ...told, done_reason: "load" });
    expect(chat({ messages: null }).early?.("m", startedAtMs)).toEqual({ ...told, done_reason: "load" });
    const unloaded = chat({ messages: [], keep_alive: 0 }).early?.("m", startedAtMs);
    expect(unloaded).toEqual({ ...told, done_reason: "unload" });
    expect(chat().early).toBeUndefined();
  });
});

describe("what is wrong is named as its sender knows it", () => {
  const table: [object, string, string][] = [
    [{ options: { temperature: 3 } }, "invalid_value", "options.temperature"],
    [{ options: { top_p: "x" } }, "invalid_value", "options.top_p"],
    [{ options: { num_predict: 1_000_000 } }, "context_length_exceeded", "options.num_predict"],
    [{ options: { repeat_penalty: 0 } }, "invalid_value", "options.repeat_penalty"],
    [{ options: { mirostat: 2 } }, "unsupported_parameter", "options.mirostat"],
    [{ options: { stop: [""] } }, "invalid_value", "options.stop[0]"],
    [{ options: 3 }, "invalid_value", "options"],
    [{ temperature: 0.5 }, "unsupported_parameter", "temperature"],
    [{ max_tokens: 5 }, "unsupported_parameter", "max_tokens"],
    [{ format: 3 }, "invalid_value", "format"],
    [{ format: { properties: { a: { pattern: "(".repeat(600) } } } }, "invalid_value", "format.properties.a.pattern"],
    [{ think: "sometimes" }, "invalid_value", "think"],
    [{ top_logprobs: 21, logprobs: true }, "invalid_value", "top_logprobs"],
    [{ tools: [{ type: "function" }] }, "invalid_value", "tools[0].function"],
    [{ messages: 3 }, "invalid_value", "messages"],
    [{ messages: [{ content: "x" }] }, "invalid_value", "messages[0].role"],
    [{ messages: [{ role: "user", content: [] }] }, "invalid_value", "messages[0].content"],
    [{ messages: [{ role: "user", images: ["http://x/y.png"] }] }, "invalid_value", "messages[0].images[0]"],
    [
      { messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: "{}" } }] }] },
      "invalid_value",
      "messages[0].tool_calls[0].function.arguments",
    ],
    [{ model: "sql", messages: [{ role: "user", content: "x" }] }, "model_not_found", "model"],
  ];
  test.each(table)("%j", async (over, code, param) => {
    const refusal = await expectRefusal(
      () => readAt("ollama.chat", { model: "chat", messages, ...over }),
      code as never,
    );
    expect(refusal.details.param).toBe(param);
  });

  test("also a picture that the model does not take", async () => {
    const at = (message: object) => readAt("ollama.chat", { model: "text2sql", messages: [...messages, message] });
    const both = { role: "user", content: "see", images: [png, png] };
    expect((await expectRefusal(() => at(both), "unsupported_parameter")).details.param).toBe("messages[1].images[0]");
    const bare = { role: "user", images: [png] };
    expect((await expectRefusal(() => at(bare), "unsupported_parameter")).details.param).toBe("messages[1].images[0]");
  });

  test("and what nobody knows is named too, wherever it stands", async () => {
    const call = await readAt("ollama.chat", {
      model: "chat",
      odd: 1,
      options: { strange: 1 },
      messages: [{ role: "user", content: "x", own: 1 }],
      tools: [{ type: "function", function: { name: "f", mine: 1 } }],
    });
    expect(call.ignored.headers["x-penstock-ignored"]?.split(",").toSorted()).toEqual(
      ["messages[].own", "odd", "options.strange", "tools[].function.mine"].toSorted(),
    );
  });
});

describe("whatever is sent is read or refused by a 400 (10,000 bodies)", () => {
  const endpoints: ForeignEndpoint[] = ["ollama.chat", "ollama.generate", "ollama.embed"];
  const right = {
    model: "chat",
    stream: false,
    format: { type: "object" },
    think: true,
    keep_alive: "5m",
    logprobs: true,
    top_logprobs: 1,
    options: { temperature: 1, stop: ["x"], num_predict: 3, seed: 1, repeat_penalty: 1, num_ctx: 1 },
    messages: [
      { role: "system", content: "x" },
      { role: "user", content: "x", images: [png] },
      { role: "assistant", thinking: "x", tool_calls: [{ id: "a", function: { name: "f", arguments: { a: 1 } } }] },
      { role: "tool", tool_name: "f", content: "x" },
    ],
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
    prompt: "x",
    system: "x",
    images: [png],
    input: ["a", "b"],
    truncate: true,
    dimensions: 3,
  };
  const paths = listPaths(right);
  const damaged = fc
    .array(fc.tuple(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 })
    .map((changes) => changes.reduce<unknown>((body, [path, value]) => replaceAt(body, path, value), right));

  test.each([
    ["any JSON", fc.jsonValue()],
    ["right bodies with damage", damaged],
  ])("%s", (_, bodies) => {
    fc.assert(
      fc.property(fc.constantFrom(...endpoints), bodies, (endpoint, body) => {
        try {
          const translated = translate(wires[endpoint], body);
          for (const param of ["messages", "messages[0].content[1].type", "input[0]", "model", "max_tokens"])
            expect(translated.rename(param)).not.toBe("");
        } catch (failure) {
          if (!(failure instanceof Refusal)) throw failure;
          expect(failure.status).toBe(400);
          expect(failure.details.message).toEqual(expect.any(String));
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test("and the member at fault is never called by a name that only the translation knows", async () => {
    const own: Record<string, RegExp> = {
      "ollama.chat": /^(model|stream|format|options|think|keep_alive|messages|tools|(top_)?logprobs)\b/,
      "ollama.generate": /^(model|stream|format|options|think|keep_alive|prompt|system|images|(top_)?logprobs)\b/,
      "ollama.embed": /^(model|input|prompt|truncate|dimensions|keep_alive)\b/,
    };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...endpoints), damaged, async (endpoint, body) => {
        const failure: unknown = await readAt(endpoint, body).catch((thrown: unknown) => thrown);
        if (!(failure instanceof Error)) return;
        if (!(failure instanceof Refusal)) throw failure;
        expect([400, 404]).toContain(failure.status);
        const { param } = failure.details;
        if (param === undefined) return;
        expect(param).toMatch(own[endpoint] ?? /^$/);
        expect(param).not.toMatch(/content\[/);
      }),
      { numRuns: 3_000 },
    );
  });
});

function listPaths(value: unknown): (string | number)[][] {
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item, at) => [at, item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  return entries.flatMap(([step, inner]) => [[step], ...listPaths(inner).map((path) => [step, ...path])]);
}

function replaceAt(value: unknown, [step, ...rest]: (string | number)[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((item, at) => (at === step ? replaceAt(item, rest, by) : item));
  return isObject(value) ? { ...value, [step]: replaceAt(value[step], rest, by) } : value;
}
