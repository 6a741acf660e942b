import OpenAI from "openai";
import { beforeEach, describe, expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";
import { note, untilBusy, untilIdle, workDone } from "./engines.ts";

const world = worldAt(inject("place"));
/** Figures are told before and after: nothing of the test before may still run. */
beforeEach(() => untilIdle(60_000).then(() => undefined));

/** Reads a stream that tells its count on every chunk until `tokens` are counted, over all choices, and leaves. */
async function leaveAt(response: Response, tokens: number): Promise<number> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const seen = new Map<number, number>();
  let rest = "";
  const total = () => [...seen.values()].reduce((sum, count) => sum + count, 0);
  while (total() < tokens) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream ended before we left");
    const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks.filter((text) => text.startsWith("data: {"))) {
      const { choices, usage } = JSON.parse(block.slice(6));
      if (choices[0] && usage) seen.set(choices[0].index, usage.completion_tokens);
    }
  }
  await reader.cancel();
  return total();
}

const counting = {
  stream: true,
  ignore_eos: true,
  stream_options: { include_usage: true, continuous_usage_stats: true },
};

describe("a caller who leaves", () => {
  test.each([1, 3, 20, 150, 600])(
    "a stream after %i tokens is billed at least what she saw and at most what vLLM made, and vLLM stops",
    async (tokens) => {
      const org = await world.newOrg();
      const before = await workDone();
      const response = await world.chat(org.key, { ...counting, max_tokens: 1_900, temperature: 1 });
      const seen = await leaveAt(response, tokens);
      const idleMs = await untilIdle(3_000);
      const [row, ...others] = await world.settled(org.id);
      const after = await workDone();
      expect(others).toEqual([]);
      expect(row).toMatchObject({ end: "cancelled", promptTokens: after.prompt - before.prompt });
      expect(row!.completionTokens).toBeGreaterThanOrEqual(seen);
      expect(row!.completionTokens).toBeLessThanOrEqual(after.generated - before.generated);
      expect(after.generated - before.generated).toBeLessThan(tokens + 400);
      note(
        `left after ${tokens} tokens`,
        `saw ${seen}, billed ${row!.completionTokens}, vLLM made ${after.generated - before.generated}, idle ` +
          `after ${idleMs} ms`,
      );
    },
  );

  test("a stream of two choices: the same", async () => {
    const org = await world.newOrg();
    const before = await workDone();
    const seen = await leaveAt(await world.chat(org.key, { ...counting, n: 2, max_tokens: 900, temperature: 1 }), 60);
    await untilIdle(3_000);
    const [row] = await world.settled(org.id);
    const made = (await workDone()).generated - before.generated;
    expect(row!.completionTokens).toBeGreaterThanOrEqual(seen);
    expect(row!.completionTokens).toBeLessThanOrEqual(made);
    note("left a stream of two choices", `saw ${seen}, billed ${row!.completionTokens}, vLLM made ${made}`);
  });

  async function leaveWhole(signal: AbortSignal) {
    const org = await world.newOrg();
    const before = await workDone();
    const call = world.chat(org.key, { max_tokens: 1_200, ignore_eos: true }, {}, signal).catch(() => null);
    await untilBusy();
    return { org, call, made: async () => (await workDone()).generated - before.generated };
  }

  test("before a whole answer is there: nothing stays held, and the bill is at most what vLLM made", async () => {
    const leave = new AbortController();
    const { org, call, made } = await leaveWhole(leave.signal);
    leave.abort();
    await call;
    const idleMs = await untilIdle(30_000);
    const rows = await world.settled(org.id, 40_000);
    for (const row of rows) expect(row.completionTokens).toBeLessThanOrEqual(await made());
    note(
      "left before a whole answer of 1200 tokens",
      `vLLM made ${await made()} and was idle after ${idleMs} ms, billed ` +
        `${JSON.stringify(rows.map((row) => [row.end, row.completionTokens]))}`,
    );
  });

  test("before a whole answer is there: vLLM stops within two seconds", async () => {
    const leave = new AbortController();
    const { call } = await leaveWhole(leave.signal);
    leave.abort();
    await call;
    await untilIdle(2_000);
  });

  test("a whole answer by the deadline that OpenAI's SDK sends with a call: vLLM stops at the deadline", async () => {
    const org = await world.newOrg();
    const before = await workDone();
    const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
    const call = {
      model: "chat",
      messages: [{ role: "user" as const, content: "Tell me a story" }],
      max_tokens: 1_900,
      ignore_eos: true,
    };
    const startedAtMs = Date.now();
    // With the call: openai-node 7.55 tells nobody the timeout that was given to the client as a whole.
    await expect(openai.chat.completions.create(call, { timeout: 1_000 })).rejects.toThrow();
    await untilIdle(2_000);
    const idleAtMs = Date.now() - startedAtMs;
    const made = (await workDone()).generated - before.generated;
    expect(made).toBeLessThan(1_900);
    const rows = await world.settled(org.id);
    for (const row of rows) expect(row.completionTokens).toBeLessThanOrEqual(made);
    note(
      "a whole answer at the SDK's deadline of 1 s",
      `vLLM made ${made} of 1900 and was idle after ${idleAtMs} ms, billed ` +
        `${JSON.stringify(rows.map((row) => [row.end, row.completionTokens]))}`,
    );
  });

  test("and whose deadline comes: vLLM stops, the bill is within what it made", async () => {
    const org = await world.newOrg();
    const before = await workDone();
    const startedAtMs = Date.now();
    const response = await world.chat(
      org.key,
      { stream: true, max_tokens: 1_900, ignore_eos: true },
      { "x-penstock-timeout-ms": "1200" },
    );
    const text = await response.text();
    expect(text).not.toContain("[DONE]");
    expect(Date.now() - startedAtMs).toBeLessThan(4_000);
    await untilIdle(2_000);
    const [row] = await world.settled(org.id);
    expect(row!.completionTokens).toBeGreaterThan(0);
    expect(row!.completionTokens).toBeLessThanOrEqual((await workDone()).generated - before.generated);
  });
});

test("the sum of all bills is what both engines say they have read and made, under 24 calls at once", async () => {
  const org = await world.newOrg();
  const before = await workDone();
  const kinds = [
    { max_tokens: 30 },
    { max_tokens: 50, stream: true },
    { max_tokens: 20, n: 4, temperature: 1 },
    { max_tokens: 40, stream: true, n: 2, temperature: 1 },
    { max_tokens: 60, temperature: 2, stream: true, stop: ["e"] },
  ];
  const startedAtMs = Date.now();
  const answers = await Promise.all(
    Array.from({ length: 24 }, async (_, at) => {
      const fields: { n?: number } = kinds[at % kinds.length]!;
      const response = await world.chat(org.key, {
        ...fields,
        messages: [{ role: "user", content: `Story number ${at}` }],
      });
      await response.text();
      return { status: response.status, hold: response.headers.get("x-penstock-hold"), n: fields.n ?? 1 };
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  const rows = await world.settled(org.id);
  expect(rows).toHaveLength(24);
  // vLLM's metric counts a prompt once for each choice, its usage once for all: the bill goes by the usage.
  const choices = new Map(answers.map(({ hold, n }) => [hold, n]));
  const billed = {
    prompt: sum(rows.map((row) => row.promptTokens * choices.get(String(row["hold"]))!)),
    generated: sum(rows.map((row) => row.completionTokens)),
  };
  const done = async () => {
    const after = await workDone();
    return { prompt: after.prompt - before.prompt, generated: after.generated - before.generated };
  };
  note(
    "24 calls at once",
    `billed ${billed.prompt} + ${billed.generated}, vLLM says ${JSON.stringify(await done())}, ` +
      `${Date.now() - startedAtMs} ms`,
  );
  await expect.poll(done, { timeout: 5_000 }).toEqual(billed);
});

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
