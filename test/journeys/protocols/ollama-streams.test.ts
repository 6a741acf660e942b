import { Ollama } from "ollama";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { Org, World } from "#test/support/stack/world.ts";

let own: OwnStack;
let world: World;
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  own = await openOwnStack({
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

const messages = [{ role: "user", content: "Tell me a story" }];
/** An answer that does not end by itself for a while. */
const longForm = { type: "array", items: { type: "integer" }, minItems: 2_000 };
const openClient = ({ key }: Org) =>
  new Ollama({ host: world.place.edge, headers: { authorization: `Bearer ${key}` } });

/** How a stream ended for its reader: what was thrown, or null, and whether any part said that it was done. */
interface Read {
  thrown: unknown;
  isDone: boolean;
  parts: number;
}

type Ask = (ollama: Ollama, tokens: number) => Promise<AsyncIterable<{ done: boolean }>>;
const asks: Record<string, Ask> = {
  chat: (ollama, num_predict) =>
    ollama.chat({ model: "chat", messages, stream: true, options: { num_predict, temperature: 0 } }),
  generate: (ollama, num_predict) =>
    ollama.generate({ model: "chat", prompt: "Tell me", stream: true, options: { num_predict, temperature: 0 } }),
};

const read = (org: Org, ask: Ask = asks["chat"]!) => follow(ask(openClient(org), 6));

async function follow(
  stream: Promise<AsyncIterable<{ done: boolean }>>,
  onPart: (parts: number) => void = () => {},
): Promise<Read> {
  const seen: Read = { thrown: null, isDone: false, parts: 0 };
  try {
    for await (const { done } of await stream) {
      seen.isDone ||= done;
      onPart(++seen.parts);
    }
  } catch (thrown) {
    seen.thrown = thrown;
  }
  return seen;
}

/** How many events the engine's own stream has that the agent asks for: what may be cut. */
async function countEvents(): Promise<number> {
  const response = await fetch(`${world.place.nodes[0]!.engineUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "chat",
      messages,
      max_tokens: 6,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  });
  return (await response.text()).split("\n\n").filter((block) => block.startsWith("data: ")).length;
}

async function expectExactBill(org: Org, calls: number): Promise<void> {
  const rows = await world.settled(org.id);
  expect(rows.length).toBeLessThanOrEqual(calls);
  for (const row of rows) {
    const made = await world.made(String(row.hold));
    expect(row.completionTokens).toBe(made.reduce((sum, { emittedTokens }) => sum + emittedTokens, 0));
  }
}

describe("an engine that breaks", () => {
  for (const [name, ask] of Object.entries(asks))
    for (const kind of ["cut", "error-event"])
      test(`by ${kind} at any event of a ${name} makes the client throw, and the bill is what was made`, async () => {
        const org = await world.newOrg();
        const events = await countEvents();
        expect(events).toBeGreaterThanOrEqual(9);
        // What breaks by an error before the first event is asked of another node, which answers.
        for (let at = kind === "cut" ? 0 : 1; at < events; at++) {
          await world.fault({ kind, afterChunks: at, times: 1 }, 0);
          const { thrown, isDone } = await read(org, ask);
          expect([at, thrown]).toEqual([at, expect.any(Error)]);
          expect([at, isDone]).toEqual([at, false]);
          await world.clearFaults();
        }
        expect(await read(org, ask)).toMatchObject({ thrown: null, isDone: true });
        await expectExactBill(org, events + 1);
      });

  test("tells so in a last line of its own: the text, the code, and nothing of the engine's", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "error-event", afterChunks: 3, times: 1 }, 0);
    const response = await world.post("/api/chat", org.key, { model: "chat", messages, options: { num_predict: 6 } });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text()).split("\n");
    expect(lines.pop()).toBe("");
    const parsed: { done?: boolean }[] = lines.map((line) => JSON.parse(line));
    expect(parsed.at(-1)).toEqual({
      error: "The node failed in the middle of its answer.",
      param: null,
      code: "stream_broken",
    });
    expect(parsed.slice(0, -1).every(({ done }) => done === false)).toBe(true);
  });

  test("before it answers, and slowly, ends a stream that has begun with such a line", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "slow-headers", ms: 1_500, times: 9 });
    await world.fault({ kind: "status", status: 500, times: 9 });
    expect(await read(org)).toMatchObject({ thrown: expect.any(Error), isDone: false, parts: 0 });
    expect(await world.settled(org.id)).toEqual([]);
  });
});

test("a network that breaks between edge and agent, at any byte, is never a clean end", async () => {
  // The client warns of each line that is no JSON.
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const org = await world.newOrg();
  const [shared] = proxies;
  if (!shared) throw new RangeError("no proxy");
  await read(org);
  const size = shared.passed;
  expect(size).toBeGreaterThan(800);
  for (let at = 420; at < size - 5; at += 23) {
    shared.cutAfterBytes(at);
    const { thrown } = await read(org);
    shared.cutAfterBytes(null);
    expect([at, thrown]).toEqual([at, expect.any(Error)]);
  }
  expect(warned).toHaveBeenCalled();
  warned.mockRestore();
});

describe("what is killed with -9 in the middle", () => {
  /** Kills part of a stack of its own in the middle of a long stream; what the reader saw, and the bill. */
  async function killAt(parts: number, part: "engine" | "agent") {
    const killed = await openOwnStack({ vars: { HOLD_GRACE_MS: "5000" } });
    try {
      const org = await killed.world.newOrg();
      const headers = { authorization: `Bearer ${org.key}`, "x-penstock-timeout-ms": "4000" };
      const ollama = new Ollama({ host: killed.world.place.edge, headers });
      const seen = await follow(
        ollama.chat({ model: "chat", messages, stream: true, format: longForm, options: { num_predict: 3_000 } }),
        (count) => void (count === parts && killed.stack.nodes[0]?.[part]?.kill("SIGKILL")),
      );
      return { seen, rows: await killed.world.settled(org.id, 30_000) };
    } finally {
      await killed.close();
    }
  }

  test("an engine: the client throws, and what was made is on the bill", async () => {
    const { seen, rows } = await killAt(20, "engine");
    expect(seen).toMatchObject({ thrown: expect.any(Error), isDone: false });
    expect(rows).toMatchObject([{ end: "failed" }]);
    expect(rows[0]?.completionTokens).toBeGreaterThanOrEqual(seen.parts);
  });

  test("an agent: the client throws, and its last checkpoint is on the bill", async () => {
    const { seen, rows } = await killAt(420, "agent");
    expect(seen).toMatchObject({ thrown: expect.any(Error), isDone: false });
    expect(rows).toHaveLength(1);
    expect(rows[0]?.end).not.toBe("completed");
    expect(rows[0]?.completionTokens).toBeGreaterThan(0);
  });
});
