import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

/**
 * Every door that streams, at every event of its engine's: a stream that is cut, errs, falls silent or is left never
 * ends as a whole one does, and the bill is what the engine made. What SDKs make of it is in the files of their own.
 */
let own: OwnStack;
let world: World;
beforeAll(async () => {
  own = await openOwnStack({ agentLimits: { streamIdleMsMax: 400 } });
  world = own.world;
});
afterEach(() => world.clearFaults().catch(() => undefined));
afterAll(() => own.close());

const said = [{ role: "user", content: "Tell me a story" }];
const certain = { temperature: 0, ignore_eos: true };

interface Door {
  path: string;
  body(tokens: number): object;
  /** Chunks of the engine's stream of four tokens, without `[DONE]`. */
  chunks: number;
  /** What only a whole stream has. */
  end: RegExp;
  /** What stands in a stream that broke. */
  broken: RegExp;
}
const chunksOf = { chat: 7, completion: 5 };
const chat = { chunks: chunksOf.chat };
const ollamaEnd = { end: /"done":true/, broken: /"code":"stream_broken"\}\n$/ };
const openaiEnd = { end: /\[DONE\]/, broken: /"code":"stream_broken"\}\}\n\n$/ };

const doors: Record<string, Door> = {
  "chat.completions": {
    ...chat,
    ...openaiEnd,
    path: "/v1/chat/completions",
    body: (max_tokens) => ({ model: "chat", messages: said, max_tokens, ...certain, stream: true }),
  },
  text2sql: {
    ...chat,
    ...openaiEnd,
    path: "/text2sql",
    body: (max_tokens) => ({ messages: said, max_tokens, ...certain, stream: true }),
  },
  completions: {
    ...openaiEnd,
    path: "/v1/completions",
    body: (max_tokens) => ({ model: "chat", prompt: "Once", max_tokens, ...certain, stream: true }),
    chunks: chunksOf.completion,
  },
  responses: {
    ...chat,
    path: "/v1/responses",
    body: (max_output_tokens) => ({ model: "chat", input: said, max_output_tokens, ...certain, stream: true }),
    end: /response\.(completed|incomplete)"/,
    broken: /"type":"(response\.failed|error)"/,
  },
  messages: {
    ...chat,
    path: "/v1/messages",
    body: (max_tokens) => ({ model: "chat", messages: said, max_tokens, ...certain, stream: true }),
    end: /"message_stop"/,
    broken: /"type":"error"/,
  },
  "ollama.chat": {
    ...chat,
    ...ollamaEnd,
    path: "/api/chat",
    body: (num_predict) => ({ model: "chat", messages: said, options: { num_predict, ...certain } }),
  },
  "ollama.generate": {
    ...chat,
    ...ollamaEnd,
    path: "/api/generate",
    body: (num_predict) => ({ model: "chat", prompt: "Tell me a story", options: { num_predict, ...certain } }),
  },
};
const table = Object.entries(doors);
const tokens = 4;

async function send(key: string, { path, body }: Door, length: number, signal?: AbortSignal) {
  return world.post(path, key, body(length), {}, signal);
}

/** Each line of the bill is what engines made of its hold; how many lines there are. */
async function expectExactBill(org: string): Promise<number> {
  const rows = await world.settled(org);
  for (const row of rows) {
    const made = await world.made(String(row["hold"]));
    const sent = made.reduce((sum, { emittedTokens }) => sum + emittedTokens, 0);
    expect([row["hold"], row.completionTokens]).toEqual([row["hold"], sent]);
  }
  return rows.length;
}

test.each(table)(
  "a whole stream of %s has its end and no failure, and as many events as this table says",
  async (_, door) => {
    const org = await world.newOrg();
    const text = await (await send(org.key, door, tokens)).text();
    expect([door.end.test(text), door.broken.test(text)]).toEqual([true, false]);
    // Behind the last of these chunks there is only the engine's `[DONE]`.
    await world.fault({ kind: "stall", afterChunks: door.chunks, times: 1 }, 0);
    const silent = await (await send(org.key, door, tokens)).text();
    expect(silent).not.toBe("");
    expect(await expectExactBill(org.id)).toBe(2);
  },
);

describe.each(["cut", "error-event", "stall"])("an engine that breaks a stream by %s", (kind) => {
  test.each(table)(
    "at any event of %s is told of, never taken for a whole answer, and billed exactly",
    async (_, door) => {
      const org = await world.newOrg();
      // What breaks by an error before the first event is asked of another node, which answers.
      for (let at = kind === "cut" ? 0 : 1; at < door.chunks; at++) {
        await world.fault({ kind, afterChunks: at, times: 1 }, 0);
        const answer = await send(org.key, door, tokens);
        const text = await answer.text();
        const seen = { at, status: answer.status, isWhole: door.end.test(text), isTold: door.broken.test(text) };
        // A node that hangs up before its first event has made nothing: another may have answered.
        if (at === 0 && seen.isWhole) continue;
        expect(seen).toEqual({ at, status: 200, isWhole: false, isTold: true });
        await world.clearFaults();
      }
      await expectExactBill(org.id);
    },
  );
});

test.each(table)("a caller who leaves %s at any event pays what the engine had made", async (_, door) => {
  const org = await world.newOrg();
  for (let at = 1; at < door.chunks; at++) {
    // The engine pauses after that event, so that what was made by then is certain.
    await world.fault({ kind: "stall", afterChunks: at, times: 1 }, 0);
    const leaving = new AbortController();
    const answer = await send(org.key, door, 30, leaving.signal);
    const reader = answer.body?.getReader();
    if (at > 1) await reader?.read();
    leaving.abort();
    await reader?.cancel().catch(() => undefined);
  }
  expect(await expectExactBill(org.id)).toBe(door.chunks - 1);
});

// The last, since nobody starts this engine again.
test("an engine that dies under the streams of all doors is told of in each, and each pays what was made", async () => {
  const org = await world.newOrg();
  await world.fault({ kind: "kill", afterChunks: 20, times: 1 }, 0);
  const texts = await Promise.all(table.map(async ([, door]) => (await send(org.key, door, 900)).text()));
  for (const [at, [name, door]] of table.entries()) {
    const text = texts[at] ?? "";
    expect([name, door.end.test(text), door.broken.test(text)]).toEqual([name, false, true]);
  }
  const rows = await world.settled(org.id);
  expect(rows.map(({ end }) => end)).toEqual(table.map(() => "failed"));
  expect(rows.every(({ completionTokens }) => completionTokens > 0)).toBe(true);
});
