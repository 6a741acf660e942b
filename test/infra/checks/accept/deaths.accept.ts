import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { childrenOf, isAlive } from "#test/support/stack/processes.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";
import { chatEngines, note, overEngines, workDone } from "./engines.ts";

const [shared, complex] = chatEngines();
let own: OwnStack;
let world: World;

beforeAll(async () => {
  own = await openOwnStack({ ...(await overEngines(chatEngines())), agentLimits: { streamIdleMsMax: 3_000 } });
  world = own.world;
});
afterAll(() => own.close());

/** Reads until `count` events have come, and goes on reading behind the answer. */
async function readUntil(response: Response, count: number): Promise<{ rest: Promise<string> }> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const more = async () => {
    const { value, done } = await reader.read();
    if (!done) text += decoder.decode(value, { stream: true });
    return !done;
  };
  while (text.split("data: ").length <= count && (await more()));
  const rest = (async () => {
    while (await more());
    return text;
  })().catch((error: unknown) => `${text}thrown ${String(error)}`);
  return { rest };
}

/** The last count that the stream told on a chunk of text. */
const lastCount = (text: string): number =>
  Math.max(...[...text.matchAll(/"completion_tokens":(\d+)/g)].map(([, count]) => Number(count)));

const short = { model: "chat", messages: [{ role: "user" as const, content: "hi" }], max_tokens: 6, ignore_eos: true };
const endless = {
  stream: true,
  max_tokens: 1_900,
  ignore_eos: true,
  stream_options: { include_usage: true, continuous_usage_stats: true },
};
const errorEnd = /data: \{"error":\{[^\n]*"code":"stream_broken"\}\}\n\n$/;

test("a killed vLLM gives an error event and a bill up to the last token; the other node serves on", async () => {
  const org = await world.newOrg();
  const response = await world.chat(org.key, endless);
  expect(response.headers.get("x-penstock-tier")).not.toContain("spill");
  const { rest } = await readUntil(response, 30);
  process.kill(-shared!.pid, "SIGKILL");
  const killedAtMs = Date.now();
  const text = await rest;
  const endedMs = Date.now() - killedAtMs;
  expect(text).not.toContain("[DONE]");
  expect(text).toMatch(errorEnd);
  const [row, ...others] = await world.settled(org.id);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ end: "failed", completionTokens: lastCount(text) });

  const before = await workDone([complex!]);
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const startedAtMs = Date.now();
  const { data, response: next } = await openai.chat.completions.create(short).withResponse();
  expect(data.usage?.completion_tokens).toBe(6);
  expect(next.headers.get("x-penstock-tier")).toMatch(/^shared; .* spill=complex$/);
  note(
    "vLLM killed with -9 in mid-stream",
    `error event after ${endedMs} ms, billed ${row!.completionTokens} as sent; the next call was answered ` +
      `by the other node in ${Date.now() - startedAtMs} ms`,
  );
  expect(await world.settled(org.id)).toHaveLength(2);
  expect((await workDone([complex!])).generated - before.generated).toBe(6);
});

test("an engine core that is killed gives our error event without [DONE], and a bill of what was sent", async () => {
  const org = await world.newOrg();
  const { rest } = await readUntil(await world.chat(org.key, endless), 30);
  const cores = childrenOf(complex!.pid, "EngineCore");
  expect(cores.length, "the engine core is a child of the server").toBeGreaterThan(0);
  for (const core of cores) process.kill(core, "SIGKILL");
  const killedAtMs = Date.now();
  const text = await rest;
  expect(text).not.toContain("[DONE]");
  expect(text).toMatch(errorEnd);
  expect(text).not.toMatch(/EngineCore|stack trace/i);
  const [row] = await world.settled(org.id);
  expect(row).toMatchObject({ end: "failed", completionTokens: lastCount(text) });
  note(
    "engine core killed with -9 in mid-stream",
    `error event after ${Date.now() - killedAtMs} ms, billed ${row!.completionTokens} as sent`,
  );
});

test("with both vLLMs dead a call is refused by name within a second, and nothing is held or charged", async () => {
  await expect.poll(() => isAlive(complex!.pid), { timeout: 20_000 }).toBe(false);
  const org = await world.newOrg();
  // The first calls may still find out.
  await Promise.all(Array.from({ length: 4 }, () => world.chat(org.key, { max_tokens: 2 })));
  const startedAtMs = Date.now();
  const response = await world.chat(org.key, { max_tokens: 2 });
  expect(Date.now() - startedAtMs).toBeLessThan(1_000);
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await response.json()).toMatchObject({ error: { type: "server_error", code: "no_healthy_backends" } });
  expect(await world.settled(org.id)).toEqual([]);
});
