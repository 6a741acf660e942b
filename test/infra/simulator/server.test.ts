import { expect, test, onTestFinished } from "vitest";
import { startSimulator, type Simulator } from "#infra/simulator/server.ts";
import type { SimulatorOptions } from "#infra/simulator/options.ts";
import { EngineClient } from "#test/contracts/engine/engine-client.ts";

const chat = "/v1/chat/completions";
const ask = { model: "chat", messages: [{ role: "user", content: "Hello" }], ignore_eos: true };

async function open(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; client: EngineClient }> {
  const simulator = await startSimulator({ profile: { stepMs: 0, maxQueued: null }, ...options });
  onTestFinished(() => simulator.close());
  return { simulator, client: new EngineClient(simulator.url) };
}

/** The body as far as it came, and whether it ended well. */
async function read(response: Response): Promise<{ text: string; isWhole: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const part of response.body ?? []) text += decoder.decode(part, { stream: true });
    return { text, isWhole: true };
  } catch {
    return { text, isWhole: false };
  }
}

const eventsIn = (text: string) => text.split("\n\n").filter((event) => event.startsWith("data: ")).length;

test("the oracle knows every call: whose it was, what it cost, how it ended", async () => {
  const { simulator, client } = await open();
  await client.post(chat, { ...ask, max_tokens: 7 }, { headers: { "x-request-id": "req_1" } });
  await client.chunks(chat, { ...ask, max_tokens: 5 });
  await client.post(chat, { ...ask, max_tokens: 0 });
  const { records, totals } = simulator.oracle();
  expect(records.map(({ outcome, status, emittedTokens }) => [outcome, status, emittedTokens])).toEqual([
    ["completed", 200, 7],
    ["completed", 200, 5],
    ["refused", 400, 0],
  ]);
  expect(records[0]).toMatchObject({
    id: "chatcmpl-req_1",
    requestId: "req_1",
    model: "Qwen/Qwen2.5-7B-Instruct",
    finishReasons: ["length"],
  });
  expect(totals).toMatchObject({ calls: 3, emittedTokens: 12, generatedTokens: 12 });
  expect(await (await fetch(`${simulator.url}/sim/oracle`)).json()).toEqual(simulator.oracle());
});

test("a caller who leaves is counted as cut, with the tokens that reached the socket", async () => {
  const { simulator, client } = await open({ profile: { stepMs: 5 } });
  const leave = new AbortController();
  const response = await client.post(chat, { ...ask, stream: true, max_tokens: 5_000 }, { signal: leave.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.read();
  leave.abort();
  await client.idle(1_000);
  const [record] = simulator.oracle().records;
  expect(record?.outcome).toBe("cancelled");
  expect(record?.emittedTokens).toBeGreaterThan(0);
  expect(record?.emittedTokens).toBeLessThan(200);
});

test.each(["cut", "kill"] as const)(
  "%s after N chunks: exactly N events, no end, and the oracle has what they carried",
  async (kind) => {
    for (const afterChunks of [0, 1, 4]) {
      const { simulator, client } = await open({ faults: [{ kind, afterChunks, times: 1 }] });
      const response = await client.post(chat, { ...ask, stream: true, max_tokens: 50 }).catch(() => null);
      const { text, isWhole } = response ? await read(response) : { text: "", isWhole: false };
      expect(isWhole).toBe(false);
      expect(eventsIn(text)).toBe(afterChunks);
      expect(simulator.oracle().records[0]).toMatchObject({
        outcome: "failed",
        emittedTokens: Math.max(0, afterChunks - 1),
      });
      expect(simulator.models.all[0]?.engine.pool.usedCount).toBe(0);
    }
  },
);

test("cut at byte N of a stream and of a whole answer: exactly N bytes", async () => {
  for (const [stream, afterBytes] of [
    [true, 0],
    [true, 777],
    [false, 0],
    [false, 100],
  ] as const) {
    const { client } = await open({ faults: [{ kind: "cut", afterBytes }] });
    const response = await client.post(chat, { ...ask, stream, max_tokens: 50 }).catch(() => null);
    const { text, isWhole } = response ? await read(response) : { text: "", isWhole: false };
    expect([Buffer.byteLength(text), isWhole]).toEqual([afterBytes, false]);
  }
});

test("a stall stops the tokens and keeps the call running, until the caller leaves", async () => {
  const { client } = await open({ faults: [{ kind: "stall", afterChunks: 3 }] });
  const leave = new AbortController();
  const response = await client.post(chat, { ...ask, stream: true, max_tokens: 100 }, { signal: leave.signal });
  const reading = read(response);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const made = await client.metric("vllm:generation_tokens_total");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await client.metric("vllm:num_requests_running")).toBe(1);
  expect(await client.metric("vllm:generation_tokens_total")).toBe(made);
  leave.abort();
  expect(eventsIn((await reading).text)).toBe(3);
  await client.idle(1_000);
});

test("an error event is vLLM's to the byte, and [DONE] follows it", async () => {
  const { simulator, client } = await open({ faults: [{ kind: "error-event", afterChunks: 2 }] });
  const events = await client.events(chat, { ...ask, max_tokens: 50 });
  expect(events.slice(2)).toEqual([
    '{"error": {"message": "EngineCore encountered an issue. See stack trace (above) for the root cause.", ' +
      '"type": "InternalServerError", "param": null, "code": 500}}',
    "[DONE]",
  ]);
  expect(simulator.oracle().records[0]).toMatchObject({ outcome: "error", emittedTokens: 1 });
});

test("usage lies as configured, and the oracle does not", async () => {
  const usage = async (lie: "less" | "zero" | "missing" | "garbage") => {
    const { simulator, client } = await open({ faults: [{ kind: "usage", lie }] });
    const told = (await client.whole(chat, { ...ask, max_tokens: 9 })).usage;
    const streamed = await client.chunks(chat, { ...ask, max_tokens: 9, stream_options: { include_usage: true } });
    expect(streamed.at(-1)?.usage?.completion_tokens).toBe(told?.completion_tokens);
    expect(simulator.oracle().totals.emittedTokens).toBe(18);
    return told;
  };
  expect(await usage("less")).toMatchObject({ completion_tokens: 4 });
  expect(await usage("zero")).toMatchObject({ completion_tokens: 0 });
  expect(await usage("missing")).toBeUndefined();
  expect(await usage("garbage")).toMatchObject({ prompt_tokens: -1, total_tokens: "1e3", completion_tokens: 1.5 });
});

test("a status comes with vLLM's message for it, as often as configured, and then no more", async () => {
  const { client } = await open({
    faults: [
      { kind: "status", status: 401, times: 1 },
      { kind: "status", status: 503, times: 2 },
    ],
  });
  const answers = [];
  for (let call = 0; call < 3; call++) {
    const response = await client.post(chat, { ...ask, max_tokens: 1 });
    answers.push([response.status, JSON.stringify(await response.json()).slice(0, 24)]);
  }
  expect(answers.map(([status]) => status)).toEqual([401, 503, 200]);
  expect(answers[0]?.[1]).toBe('{"error":"Unauthorized"}');
});

test("garbage, slow headers and a slow first token come as configured", async () => {
  const { simulator, client } = await open();
  simulator.faults.add({ kind: "garbage", times: 1 });
  await expect((await client.post(chat, ask)).json()).rejects.toThrow();
  for (const kind of ["slow-headers", "slow-first-token"] as const) {
    simulator.faults.add({ kind, ms: 150, times: 1 });
    const startedMs = performance.now();
    const response = await client.post(chat, { ...ask, stream: true, max_tokens: 2 });
    const headersMs = performance.now() - startedMs;
    expect(headersMs > 140).toBe(kind === "slow-headers");
    await response.text();
    expect(performance.now() - startedMs).toBeGreaterThan(140);
  }
});

test("faults are given, listed and taken back while it runs; a rule that is none is refused whole", async () => {
  const { simulator, client } = await open();
  const given = await client.post("/sim/faults", {
    faults: [
      { kind: "status", status: 500, path: "/health", times: 1 },
      { kind: "status", status: 429, model: "text2sql" },
    ],
  });
  expect(await given.json()).toMatchObject({ faults: [{ path: "/health", times: 1 }, { model: "text2sql" }] });
  expect((await client.post("/sim/faults", { faults: [{ kind: "stall" }, { kind: "wat" }] })).status).toBe(400);
  expect([(await fetch(`${simulator.url}/health`)).status, (await fetch(`${simulator.url}/health`)).status]).toEqual([
    500, 200,
  ]);
  expect((await client.post(chat, { ...ask, max_tokens: 1 })).status).toBe(200);
  expect((await client.post(chat, { ...ask, model: "text2sql", max_tokens: 1 })).status).toBe(429);
  await fetch(`${simulator.url}/sim/faults`, { method: "DELETE" });
  expect((await client.post(chat, { ...ask, model: "text2sql", max_tokens: 1 })).status).toBe(200);
});

test("beyond maxQueued calls are refused with 503 and counted, and admitted again when others have ended", async () => {
  const { client } = await open({ profile: { stepMs: 2, maxQueued: 4 } });
  const answers = await Promise.all(Array.from({ length: 12 }, () => client.post(chat, { ...ask, max_tokens: 50 })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
  expect(answers.filter(({ status }) => status === 503)).toHaveLength(8);
  expect(await client.metric("vllm:admission_rejections_total", "max_num_queued_reqs")).toBe(8);
  expect((await client.post(chat, { ...ask, max_tokens: 1 })).status).toBe(200);
});

test("a reader who does not read makes tokens gather, and gets them all", async () => {
  const { simulator, client } = await open({ tokensPerChunk: 4 });
  const response = await client.post(chat, { ...ask, stream: true, max_tokens: 8_000 - 100, return_token_ids: true });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { text, isWhole } = await read(response);
  expect(isWhole).toBe(true);
  const ids = text
    .split("\n\n")
    .filter((event) => event.includes('"token_ids":['))
    .flatMap(
      (event) => (JSON.parse(event.slice(6)) as { choices: { token_ids: number[] }[] }).choices[0]?.token_ids ?? [],
    );
  expect(ids).toHaveLength(7_900);
  expect(simulator.oracle().totals.emittedTokens).toBe(7_900);
}, 30_000);

test("the key guards /v1 and nothing else, as vLLM's does", async () => {
  const { simulator, client } = await open({ apiKey: "secret" });
  expect(await (await client.post(chat, ask)).text()).toBe('{"error":"Unauthorized"}');
  expect((await client.post("/tokenize", { model: "chat", prompt: "x" })).status).toBe(200);
  expect((await fetch(`${simulator.url}/v1/models`, { headers: { authorization: "Bearer secret" } })).status).toBe(200);
});

test("two simulators give the same answers: text is a function of model, prompt and seed", async () => {
  const answer = async (change: object) =>
    (await (await open()).client.whole(chat, { ...ask, max_tokens: 30, ...change })).choices[0]?.message?.content;
  expect(await answer({})).toBe(await answer({}));
  expect(await answer({ temperature: 0, seed: 1 })).toBe(await answer({ temperature: 0, seed: 2 }));
  expect(await answer({ seed: 1 })).not.toBe(await answer({ seed: 2 }));
  expect(await answer({})).not.toBe(await answer({ messages: [{ role: "user", content: "Hullo" }] }));
});

test("text2sql answers with SQL", async () => {
  const { client } = await open();
  const { choices } = await client.whole(chat, { model: "text2sql", messages: ask.messages, max_tokens: 200 });
  expect(choices[0]?.message?.content).toMatch(/^SELECT [a-z, ]+ FROM [a-z]+.*;$/);
});

test("a thousand streams at once all end whole", async () => {
  const { simulator, client } = await open({
    profile: { stepMs: 1, maxQueued: null, maxNumSeqs: 1_024, blocks: 20_000 },
  });
  const streams = await Promise.all(
    Array.from({ length: 1_000 }, (_, at) =>
      client.chunks(chat, { ...ask, messages: [{ role: "user", content: `call ${at}` }], max_tokens: 10 }),
    ),
  );
  expect(streams.every((chunks) => chunks.at(-1)?.choices[0]?.finish_reason === "length")).toBe(true);
  expect(simulator.oracle().totals).toMatchObject({ emittedTokens: 10_000, outcomes: { completed: 1_000 } });
}, 60_000);

test("a model of 131,072 tokens takes a prompt of 100,000, and refuses one beyond its context", async () => {
  const { client } = await open({ models: [{ names: ["long"], contextTokens: 131_072 }, { names: ["short"] }] });
  const call = (model: string, tokens: number) =>
    client.post("/v1/completions", { model, prompt: Array<number>(tokens).fill(65), max_tokens: 2 });
  const taken = await call("long", 100_000);
  expect(await taken.json()).toMatchObject({ usage: { prompt_tokens: 100_000, completion_tokens: 2 } });
  for (const refused of [await call("long", 131_073), await call("short", 8_193)])
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: "input_tokens" } }]);
});

test("a regex is obeyed, and one that the simulator does not know is a 400 that says so", async () => {
  const { client } = await open();
  const call = (regex: string) => client.post(chat, { ...ask, structured_outputs: { regex } });
  const { choices } = (await (await call("[A-Z]{3}-\\d{4}")).json()) as { choices: { message: { content: string } }[] };
  expect(choices[0]?.message.content).toMatch(/^[A-Z]{3}-\d{4}$/);
  const refused = await call("(?=a)b");
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("cannot follow the regex")]);
});
