import { expect, test } from "vitest";
import type { z } from "zod";
import { ChatBody, Text2SqlBody } from "#edge/protocol/openai/members/chat.ts";
import { CompletionsBody } from "#edge/protocol/openai/members/completions.ts";
import { EmbeddingsBody } from "#edge/protocol/openai/members/embeddings.ts";
import * as requests from "#edge/protocol/openai/requests.ts";
import { readRecordings } from "#test/support/recordings.ts";

const pairs: Record<string, { told: z.ZodType; parsed: z.ZodType }> = {
  "/v1/chat/completions": { told: requests.ChatCompletionRequest, parsed: ChatBody },
  "/text2sql": { told: requests.Text2SqlRequest, parsed: Text2SqlBody },
  "/v1/completions": { told: requests.CompletionRequest, parsed: CompletionsBody },
  "/v1/embeddings": { told: requests.EmbeddingRequest, parsed: EmbeddingsBody },
};

test("the document takes every recorded body that a call is parsed from, and no other", () => {
  let bodies = 0;
  for (const [name, { request }] of readRecordings<{ request?: { path: string; body?: string } }>()) {
    const pair = pairs[request?.path ?? ""];
    if (!pair || !request?.body?.startsWith("{")) continue;
    let body: unknown;
    try {
      body = JSON.parse(request.body);
    } catch {
      continue;
    }
    bodies += 1;
    expect([name, pair.told.safeParse(body).success]).toEqual([name, pair.parsed.safeParse(body).success]);
  }
  expect(bodies).toBeGreaterThan(150);
});

test("what is read by hand is documented with the same bounds", () => {
  const messages = [{ role: "user", content: "hi" }];
  const table: [string, Record<string, unknown>][] = [
    ["/v1/chat/completions", { model: "m", messages: [] }],
    ["/v1/chat/completions", { model: "m", messages: [{ role: "nobody", content: "x" }] }],
    ["/v1/chat/completions", { model: "m", messages, tools: [{}] }],
    ["/v1/chat/completions", { model: "m", messages, logit_bias: { 1: 101 } }],
    ["/text2sql", { messages: [{ role: "user", content: [{ text: "no type" }] }] }],
    ["/v1/completions", { model: "m", prompt: [] }],
    ["/v1/completions", { model: "m", prompt: [1, "x"] }],
    ["/v1/completions", { model: "m", prompt: [-1] }],
    ["/v1/embeddings", { model: "m", input: [[]] }],
  ];
  for (const [path, body] of table) {
    expect([path, pairs[path]?.parsed.safeParse(body).success]).toEqual([path, false]);
    expect([path, pairs[path]?.told.safeParse(body).success]).toEqual([path, false]);
  }
});
