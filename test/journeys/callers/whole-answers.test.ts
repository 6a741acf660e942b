import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { Org, World } from "#test/support/stack/world.ts";

/**
 * Whole answers are put together from the engine's streams: through edge and agent a caller gets, member for member,
 * what the engine answers in one piece when it is asked directly.
 */
let own: OwnStack;
let world: World;
beforeAll(async () => {
  own = await openOwnStack({ simulatorArgs: ["--step-ms", "20"] });
  world = own.world;
});
afterAll(() => own.close());

const messages = [{ role: "user", content: "Tell me of the mill" }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"] },
  },
};
const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };

const chats: [name: string, fields: JsonObject][] = [
  ["greedy", { temperature: 0 }],
  ["one token", { temperature: 0, max_tokens: 1 }],
  ["three choices", { n: 3, temperature: 1, seed: 3 }],
  ["logprobs", { temperature: 0, logprobs: true, top_logprobs: 3 }],
  ["a stop string", { temperature: 0, max_tokens: 60, stop: ["e"] }],
  ["tools, auto", { temperature: 0, tools: [weather], tool_choice: "auto", max_tokens: 200 }],
  ["tools, required", { temperature: 0, tools: [weather], tool_choice: "required", max_tokens: 200 }],
  [
    "a named tool",
    { tools: [weather], tool_choice: { type: "function", function: { name: "get_weather" } }, max_tokens: 200 },
  ],
  ["a schema", { temperature: 0, response_format: { type: "json_schema", json_schema: { name: "x", schema } } }],
  ["scores of the prompt, which no stream has", { temperature: 0, prompt_logprobs: 1 }],
];
const completions: [name: string, fields: JsonObject][] = [
  ["greedy", { prompt: "Once upon a time" }],
  ["several prompts of several choices", { prompt: ["one", "two"], n: 2, temperature: 1, seed: 5 }],
  ["token ids", { prompt: [300, 301, 302] }],
  ["logprobs", { prompt: "Once upon", logprobs: 2 }],
  ["logprobs and a stop string", { prompt: "Once upon", logprobs: 1, max_tokens: 60, stop: ["e"] }],
  ["echo", { prompt: "Once upon", echo: true }],
];

/** What differs from call to call: ids, times, and how much another org's call or the last one had cached. */
function normalize(answer: JsonObject): unknown {
  const text = JSON.stringify(answer, (name, value: unknown) => {
    if (name === "created" || (name === "id" && typeof value === "string")) return "varies";
    if ((name === "cached_tokens" || name === "created_cache_tokens") && typeof value === "number") return "varies";
    return value;
  });
  const { kv_transfer_params: _kv, ec_transfer_params: _ec, metrics: _metrics, ...visible } = JSON.parse(text);
  return visible;
}

async function compare(path: string, fields: JsonObject): Promise<void> {
  const org = await world.newOrg();
  const body = JSON.stringify({ model: "chat", max_tokens: 24, temperature: 0, ...fields });
  const [node] = world.place.nodes;
  const direct = await fetch(`${node?.engineUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const truth: JsonObject = await direct.json();
  expect([direct.status, truth["choices"]]).toEqual([200, expect.any(Array)]);
  const answer = await world.post(path, org.key, body);
  const ours: JsonObject = await answer.json();
  expect(answer.status).toBe(200);
  expect(normalize(ours)).toEqual(normalize(truth));
  expect(Object.keys(ours)).toEqual(Object.keys(truth).filter((name) => name in ours));
  const usage = isObject(truth["usage"]) ? truth["usage"] : {};
  expect(await world.settled(org.id)).toMatchObject([
    { end: "completed", promptTokens: usage["prompt_tokens"], responseId: ours["id"] },
  ]);
}

describe("a whole answer through edge and agent is the engine's own:", () => {
  test.each(chats)("chat, %s", (_, fields) => compare("/v1/chat/completions", { messages, ...fields }));
  test.each(completions)("completions, %s", (_, fields) => compare("/v1/completions", fields));
});

test("a call that max_tokens cuts is told as far as it is known to be one, as in a stream", async () => {
  const org = await world.newOrg();
  const answer = await world.chat(org.key, { tools: [weather], tool_choice: "required", max_tokens: 24 });
  const { choices } = await answer.json();
  expect(choices).toMatchObject([{ message: { content: "" }, finish_reason: "length" }]);
});

test("the prompt alone is echoed as by the engine; one that vLLM counts and nobody made is not billed", async () => {
  const org = await world.newOrg();
  const answer = await world.post(
    "/v1/completions",
    org.key,
    JSON.stringify({ model: "chat", prompt: "Once upon", echo: true, max_tokens: 0 }),
  );
  expect(await answer.json()).toMatchObject({
    choices: [{ text: "Once upon", finish_reason: "length" }],
    usage: { completion_tokens: 0 },
  });
});

/** The engine's word on the only call of an org, once it has sent so many tokens. */
async function waitFor(org: Org, tokens: number) {
  for (const endMs = Date.now() + 10_000; Date.now() < endMs; await sleep(10)) {
    const { openHolds } = await world.ledger(org.id);
    const [made] = openHolds.length > 0 ? await world.made(openHolds[0].hold) : [];
    if (made && made.emittedTokens >= tokens) return made;
  }
  throw new Error(`the engine has not sent ${tokens} tokens`);
}

test("left at any token, a whole answer costs what the engine had sent by then", async () => {
  await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const org = await world.newOrg();
      const leaving = new AbortController();
      const fields = { max_tokens: 4_000, ignore_eos: true, n: 1 + (at % 2), temperature: 1 };
      const answer = world.chat(org.key, fields, {}, leaving.signal);
      answer.catch(() => undefined);
      await waitFor(org, 1 + at ** 2);
      leaving.abort();
      await expect(answer).rejects.toThrow();
      const [row, ...others] = await world.settled(org.id, 8_000);
      const [made] = await world.made(String(row?.hold));
      expect(others).toEqual([]);
      expect(row).toMatchObject({ completionTokens: made?.emittedTokens, promptTokens: made?.promptTokens });
      expect(made?.outcome).toBe("cancelled");
    }),
  );
});
