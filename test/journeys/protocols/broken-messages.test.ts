import Anthropic from "@anthropic-ai/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

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
afterEach(() => world.clearFaults().catch(() => undefined));
afterAll(async () => {
  await own.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
});

/** What vLLM takes and the SDK's types do not know. */
const vllmOnly = { ignore_eos: true };
const bodyOf = (tokens: number) => ({
  model: "chat",
  max_tokens: tokens,
  temperature: 0,
  messages: [{ role: "user" as const, content: "Tell me a story" }],
  ...vllmOnly,
});
/** It would log half a line that it cannot parse. */
const quiet = { maxRetries: 0, logLevel: "off" } as const;
const clientOf = (key: string) => new Anthropic({ baseURL: world.place.edge, apiKey: key, ...quiet });

/** Reads a stream in both ways of the official SDK: event by event, or by its helper. What it threw, or null. */
async function read(key: string, tokens: number, way: "events" | "helper") {
  const types: string[] = [];
  try {
    const { messages } = clientOf(key);
    if (way === "helper") await messages.stream(bodyOf(tokens)).finalMessage();
    else for await (const { type } of await messages.create({ ...bodyOf(tokens), stream: true })) types.push(type);
    return { types, thrown: null };
  } catch (thrown) {
    return { types, thrown };
  }
}

/** The last event of a stream as it stands on the wire. */
async function lastOf(response: Response) {
  const text = await response.text();
  const [name, line] = text.trimEnd().split("\n\n").at(-1)?.trimStart().split("\n") ?? [];
  return { text, name, event: JSON.parse(line?.slice("data: ".length) ?? "null") };
}
const post = (key: string, tokens: number) => world.post("/v1/messages", key, { ...bodyOf(tokens), stream: true });

describe("an engine that breaks", () => {
  test.each([
    ["cut", 0],
    // An error in the place of the first event is a refusal: another node answers.
    ["error-event", 1],
  ])("by %s, at any event of a stream, makes the SDK throw; the bill is exact", async (kind, first) => {
    const org = await world.newOrg();
    const whole = await read(org.key, 6, "events");
    expect(whole.thrown).toBeNull();
    expect(whole.types.at(-1)).toBe("message_stop");
    const chunks = 9; // role, six tokens, finish, usage; behind them [DONE]
    for (const way of ["events", "helper"] as const) {
      for (let cut = first; cut < chunks; cut++) {
        await world.fault({ kind, afterChunks: cut, times: 1 }, 0);
        const { thrown, types } = await read(org.key, 6, way);
        expect(thrown, `${kind} before chunk ${cut}, ${way}`).toBeInstanceOf(Anthropic.APIError);
        expect(types).not.toContain("message_stop");
        await world.clearFaults();
      }
    }
    const rows = await world.settled(org.id);
    expect(rows.length).toBeGreaterThan(chunks);
    for (const row of rows) {
      const [made] = await world.made(String(row["hold"]));
      expect(row.completionTokens).toBe(made?.emittedTokens);
    }
  });

  test("between the last count and [DONE] has said all that there is: the message is whole", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", afterChunks: 9, times: 1 }, 0);
    const { thrown, types } = await read(org.key, 6, "events");
    expect([thrown, types.at(-1)]).toEqual([null, "message_stop"]);
    expect(await world.settled(org.id)).toMatchObject([{ end: "completed", completionTokens: 6 }]);
  });

  test("by falling silent is waited for with pings, and ends with an event that says so", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "stall", afterChunks: 3, times: 1 }, 0);
    const { text, name, event } = await lastOf(await post(org.key, 50));
    expect(text.split('event: ping\ndata: {"type":"ping"}\n\n').length).toBeGreaterThan(2);
    expect(name).toBe("event: error");
    expect(event).toEqual({
      type: "error",
      error: { type: "api_error", message: expect.any(String), param: null, code: "stream_broken" },
    });
    expect(text).not.toContain("message_stop");
    expect((await world.settled(org.id))[0]).toMatchObject({ end: "failed", completionTokens: 2 });
  });

  test("in a whole answer is a 502 of Anthropic's form", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", afterChunks: 3, times: 9 });
    const thrown = await clientOf(org.key)
      .messages.create(bodyOf(6))
      .then(
        () => null,
        (failure: unknown) => failure,
      );
    expect(thrown).toBeInstanceOf(Anthropic.InternalServerError);
    expect(thrown).toMatchObject({ status: 502, type: "api_error" });
  });
});

test("a network that breaks between edge and agent, at any place of the body, makes the SDK throw", async () => {
  const org = await world.newOrg();
  const [shared] = proxies;
  if (!shared) throw new RangeError("no proxy");
  await read(org.key, 6, "events");
  const size = shared.passed;
  expect(size).toBeGreaterThan(1_500);
  // From the first byte behind the headers to the last event; behind that, cutting loses nothing.
  for (let at = 420; at < size - 60; at += 53) {
    shared.cutAfterBytes(at);
    const { thrown } = await read(org.key, 6, "events");
    shared.cutAfterBytes(null);
    expect(thrown, `cut at byte ${at} of ${size}`).toBeInstanceOf(Error);
  }
  const rows = await world.settled(org.id);
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
});

describe("an origin that is slow", () => {
  test("to begin: callers have 200 within two seconds, then pings, then the whole message", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "slow-headers", ms: 2_600, times: 1 }, 0);
    const { text, event } = await lastOf(await post(org.key, 4));
    expect(text).toMatch(/^(event: ping\ndata: {"type":"ping"}\n\n)+event: message_start\n/);
    expect(event).toEqual({ type: "message_stop" });
    await world.fault({ kind: "slow-headers", ms: 1_800, times: 1 }, 0);
    expect((await read(org.key, 4, "helper")).thrown).toBeNull();
  });

  test("and then fails: the failure is an error event in Anthropic's form, and nothing is billed", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "slow-headers", ms: 1_500, times: 9 });
    await world.fault({ kind: "status", status: 500, times: 9 });
    const { name, event } = await lastOf(await post(org.key, 4));
    expect([name, event.error.type]).toEqual(["event: error", "api_error"]);
    expect(await world.settled(org.id)).toEqual([]);
  });
});

test("an engine that dies takes no call for ended: the SDK throws, and what was made is billed", async () => {
  const org = await world.newOrg();
  // Its simulator is gone from here on, so this comes last.
  await world.fault({ kind: "kill", afterChunks: 4, times: 1, path: "/v1/chat/completions" }, 0);
  const { thrown, types } = await read(org.key, 6, "events");
  expect(thrown).toBeInstanceOf(Anthropic.APIError);
  expect(types).not.toContain("message_stop");
  expect(await world.settled(org.id)).toMatchObject([{ end: "failed", completionTokens: 3 }]);
});
