import OpenAI from "openai";
import { expect, inject, test } from "vitest";
import { worldAt, type Org } from "#test/support/stack/world.ts";
import { note } from "./engines.ts";

const world = worldAt(inject("place"));

const cachedFor = async (org: Org, content: string, fields: Record<string, unknown> = {}) => {
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const { usage } = await openai.chat.completions.create({
    model: "chat",
    messages: [{ role: "user", content }],
    max_tokens: 2,
    ...fields,
  });
  return usage?.prompt_tokens_details?.cached_tokens ?? 0;
};

test("a prompt seen before is reported and billed as cached tokens to its own org, and to no other", async () => {
  const [one, other] = [await world.newOrg(), await world.newOrg()];
  const prompt = `${Date.now()} ${"The gate of the mill holds the water back. ".repeat(40)}`;
  expect(await cachedFor(one, prompt)).toBe(0);
  const cached = await cachedFor(one, prompt);
  expect(cached).toBeGreaterThan(100);
  expect(await cachedFor(other, prompt)).toBe(0);
  // What the engine keeps apart, no caller can bring together.
  expect(await cachedFor(other, `${prompt}.`, { cache_salt: "x" })).toBeGreaterThan(100);
  const rows = await world.settled(one.id);
  expect(rows.map((row) => row["cachedTokens"]).sort()).toEqual([0, cached].sort());
  const [prompted] = rows;
  note(
    "prefix cache",
    `${cached} of ${prompted?.promptTokens} prompt tokens for the org that asked before, 0 for another`,
  );
});

test("a stream reports its cached tokens as well", async () => {
  const org = await world.newOrg();
  const prompt = `${Date.now()} ${"Water turns the wheel and the wheel turns the stone. ".repeat(30)}`;
  await cachedFor(org, prompt);
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const stream = await openai.chat.completions.create({
    model: "chat",
    messages: [{ role: "user", content: prompt }],
    max_tokens: 2,
    stream: true,
    stream_options: { include_usage: true },
  });
  let cached = 0;
  for await (const chunk of stream) cached = chunk.usage?.prompt_tokens_details?.cached_tokens ?? cached;
  expect(cached).toBeGreaterThan(100);
  await world.settled(org.id);
});
