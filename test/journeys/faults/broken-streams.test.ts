import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { eventsOf, type World } from "#test/support/stack/world.ts";

let own: OwnStack;
let world: World;
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  own = await openOwnStack({
    agentLimits: { streamIdleMsMax: 4_000 },
    via: async (url) => {
      const proxy = await openFaultProxy(url);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  world = own.world;
});
afterEach(() => world.clearFaults());
afterAll(async () => {
  await own.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
});

const client = (key: string) => new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: key, maxRetries: 0 });

/** What vLLM takes and the SDK's types do not know. */
const vllmOnly = { ignore_eos: true };

/** Reads a stream through the official SDK; what it threw, or null. */
async function read(key: string, tokens: number): Promise<{ text: string; thrown: unknown }> {
  let text = "";
  try {
    const stream = await client(key).chat.completions.create({
      model: "chat",
      messages: [{ role: "user", content: "Tell me a story" }],
      max_tokens: tokens,
      stream: true,
      temperature: 0,
      ...vllmOnly,
    });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    return { text, thrown: null };
  } catch (thrown) {
    return { text, thrown };
  }
}

describe("an engine that breaks", () => {
  test("in front of any chunk of a stream makes the official SDK throw, and the bill is what was made", async () => {
    const org = await world.newOrg();
    const whole = await read(org.key, 6);
    expect(whole.thrown).toBeNull();
    const chunks = 9; // role, six tokens, finish, [DONE]
    for (let cut = 0; cut < chunks; cut++) {
      await world.fault({ kind: "cut", afterChunks: cut, times: 1 }, 0);
      const { thrown } = await read(org.key, 6);
      expect(thrown, `cut before chunk ${cut}`).toBeInstanceOf(Error);
      await world.clearFaults();
    }
    for (const row of await world.settled(org.id)) {
      const [made] = await world.made(String(row.hold));
      expect(row.completionTokens).toBe(made?.emittedTokens);
    }
  });

  test("with vLLM's error event and [DONE] makes the SDK throw; neither [DONE] nor its words get through", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "error-event", afterChunks: 3, times: 2 }, 0);
    expect((await read(org.key, 6)).thrown).toBeInstanceOf(OpenAI.APIError);
    const events = await eventsOf(await world.chat(org.key, { stream: true, max_tokens: 6 }));
    expect(JSON.parse(events.at(-1) ?? "")).toEqual({
      error: { message: expect.any(String), type: "server_error", param: null, code: "stream_broken" },
    });
    expect(events).not.toContain("[DONE]");
  });

  test("by falling silent ends the stream with an error event, and the engine is let go", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "stall", afterChunks: 3, times: 1 }, 0);
    const response = await world.chat(org.key, { stream: true, max_tokens: 50 });
    const events = await eventsOf(response);
    expect(JSON.parse(events.at(-1) ?? "")).toHaveProperty("error");
    const [row] = await world.settled(org.id);
    expect(row).toMatchObject({ end: "failed", completionTokens: 2 });
  });

  test("and lies about usage is billed for at least what it sent, and never above the reservation", async () => {
    for (const lie of ["less", "zero", "missing", "garbage"]) {
      const org = await world.newOrg();
      await world.fault({ kind: "usage", lie, times: 1 }, 0);
      const events = await eventsOf(await world.chat(org.key, { stream: true, max_tokens: 7, ignore_eos: true }));
      const said = events.filter((event) => /"content":"[^"]/.test(event)).length;
      const [row] = await world.settled(org.id);
      expect(row?.completionTokens, lie).toBeGreaterThanOrEqual(said);
      expect(row?.completionTokens, lie).toBeLessThanOrEqual(7);
      await world.clearFaults();
    }
  });
});

describe("a network that breaks between edge and agent", () => {
  test("at any place of the body makes the official SDK throw", async () => {
    const org = await world.newOrg();
    const shared = proxies[0]!;
    await read(org.key, 6);
    const size = shared.passed;
    expect(size).toBeGreaterThan(800);
    // From the first byte after the headers to the last but the end of the chunked body: cutting later loses nothing.
    for (let at = 420; at < size - 5; at += 29) {
      shared.cutAfterBytes(at);
      const { thrown } = await read(org.key, 6);
      shared.cutAfterBytes(null);
      expect(thrown, `cut at byte ${at} of ${size}`).toBeInstanceOf(Error);
    }
    const rows = await world.settled(org.id);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  });
});

describe("an origin that is slow", () => {
  test("to begin a stream: callers have 200 within two seconds, then comments, then the whole stream", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "slow-headers", ms: 2_600, times: 1 }, 0);
    const startedAtMs = Date.now();
    const response = await world.chat(org.key, { stream: true, max_tokens: 4 });
    expect(response.status).toBe(200);
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    const text = await response.text();
    expect(text).toMatch(/^(: wait\n\n)+data: /);
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    const sdk = await Promise.all([world.fault({ kind: "slow-headers", ms: 1_800, times: 1 }, 0), read(org.key, 4)]);
    expect(sdk[1].thrown).toBeNull();
  });

  test("and then fails: the failure is an error event, and nothing stays held", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "slow-headers", ms: 1_500, times: 9 });
    await world.fault({ kind: "status", status: 500, times: 9 });
    const response = await world.chat(org.key, { stream: true, max_tokens: 4 });
    expect(response.status).toBe(200);
    const events = await eventsOf(response);
    expect(JSON.parse(events.at(-1) ?? "")).toMatchObject({ error: { type: "server_error" } });
    expect(await world.settled(org.id)).toEqual([]);
  });

  test("a caller who leaves while it is silent aborts the engine within a second and is charged nothing", async () => {
    const org = await world.newOrg({ concurrency: 1 });
    await world.fault({ kind: "slow-headers", ms: 20_000, times: 1 }, 0);
    const leave = new AbortController();
    const response = await world.chat(org.key, { stream: true, max_tokens: 4 }, {}, leave.signal);
    expect(response.status).toBe(200);
    leave.abort();
    // A second to notice, and two in which what the node made could still be told (docs/decisions/0002).
    await new Promise((done) => setTimeout(done, 3_200));
    expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
    // One row for the second call; the first made nothing, and nothing is what it is charged.
    const rows = await world.settled(org.id);
    expect(rows.reduce((sum, row) => sum + row.completionTokens, 0)).toBe(1);
    expect(rows.filter(({ end }) => end === "completed")).toHaveLength(1);
  });
});

test("a caller who leaves at any chunk is billed exactly what the engine made", async () => {
  const org = await world.newOrg();
  for (let chunks = 1; chunks <= 8; chunks++) {
    // The engine pauses after the chunk at which the caller leaves, so that what was made by then is certain.
    await world.fault({ kind: "stall", afterChunks: chunks, times: 1 }, 0);
    const response = await world.chat(org.key, { stream: true, max_tokens: 30, ignore_eos: true });
    const reader = response.body!.getReader();
    for (let text = ""; text.split("data: ").length <= chunks;)
      text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    const hold = response.headers.get("x-penstock-hold");
    const rows = await world.settled(org.id);
    const row = rows.find((candidate) => candidate.hold === hold);
    const [made] = await world.made(String(hold));
    expect(row, `left after chunk ${chunks}`).toMatchObject({
      end: "cancelled",
      completionTokens: made?.emittedTokens,
    });
    expect(made?.emittedTokens).toBeGreaterThanOrEqual(chunks - 1);
    await world.clearFaults();
  }
});

test("in full flow, too: whoever leaves is billed what the engine sent, and it stops within two seconds", async () => {
  const org = await world.newOrg();
  const streams = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const response = await world.chat(org.key, { stream: true, max_tokens: 1_500, ignore_eos: true });
      const reader = response.body!.getReader();
      for (let reads = 0; reads < 5 + 7 * index; reads++) await reader.read();
      await reader.cancel();
      return { hold: String(response.headers.get("x-penstock-hold")), leftAtMs: Date.now() };
    }),
  );
  const rows = await world.settled(org.id);
  for (const { hold, leftAtMs } of streams) {
    const [made] = await world.made(hold);
    const row = rows.find((candidate) => candidate.hold === hold);
    expect(made?.outcome).toBe("cancelled");
    expect(made!.endedAtMs! - leftAtMs).toBeLessThan(2_000);
    expect(row!.completionTokens).toBe(made!.emittedTokens);
  }
});
