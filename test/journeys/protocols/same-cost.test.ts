import { describe, expect, inject, test } from "vitest";
import { windowOf, worldAt } from "#test/support/stack/world.ts";

/** The same question by every door that answers in text: one road, so one price and one count in every window. */
const world = worldAt(inject("place"));

const question = "Tell me a story";
const chat = [{ role: "user", content: question }];
const made = 9;
/** What every engine makes of it is the same to the token: nothing is left to chance, and it never ends by itself. */
const certain = { temperature: 0, ignore_eos: true };

/** How each door asks, streamed and whole. */
const doors: Record<string, { path: string; body: object }> = {
  "chat.completions": { path: "/v1/chat/completions", body: { messages: chat, max_tokens: made, ...certain } },
  responses: { path: "/v1/responses", body: { input: question, max_output_tokens: made, ...certain } },
  messages: { path: "/v1/messages", body: { messages: chat, max_tokens: made, ...certain } },
  "ollama.chat": {
    path: "/api/chat",
    body: { messages: chat, options: { num_predict: made, temperature: 0, ignore_eos: true } },
  },
  "ollama.generate": {
    path: "/api/generate",
    body: { prompt: question, options: { num_predict: made, temperature: 0, ignore_eos: true } },
  },
};
const names = Object.keys(doors);
/** The id of an answer, as its caller sees it. */
const shownIds: Record<string, RegExp> = {
  "chat.completions": /chatcmpl-[\w-]+/,
  responses: /resp_\w{22}/,
  messages: /msg_\w{22}/,
};

async function ask(name: string, stream: boolean) {
  const org = await world.newOrg({ requestsPerMinute: 100, tokensPerDay: 100_000 });
  const { path, body } = doors[name] ?? { path: "", body: {} };
  const answer = await world.post(path, org.key, { model: "chat", ...body, stream });
  expect([name, answer.status]).toEqual([name, 200]);
  const text = await answer.text();
  const [row, ...others] = await world.settled(org.id);
  expect([row?.["endpoint"], others]).toEqual([name, []]);
  const state = await world.ledger(org.id);
  const windows = (["requestsPerMinute", "tokensPerDay"] as const).map((window) => {
    const { limit, remaining, held, settled } = windowOf(state, window);
    return { window, limit, remaining, held, settled };
  });
  if (!row) throw new Error("no line on the bill");
  // The bill knows an answer by the id that its caller saw; Ollama's answers show none.
  expect([name, row.responseId]).toEqual([name, shownIds[name]?.exec(text)?.[0] ?? null]);
  const { promptTokens, completionTokens, costMicros, tier, end } = row;
  return { promptTokens, completionTokens, costMicros, tier, end, windows };
}

describe.each([false, true])("stream: %s", (stream) => {
  test("the same question costs the same tokens, money and part of each window at each door", async () => {
    const [first, ...others] = await Promise.all(names.map((name) => ask(name, stream)));
    expect(first).toMatchObject({ completionTokens: made, end: "completed" });
    for (const [index, other] of others.entries()) expect([names[index + 1], other]).toEqual([names[index + 1], first]);
  });
});
