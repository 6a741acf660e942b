import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

/**
 * What the logs say of callers who leave, or whose own deadline passes: events of their own, at the edge and at the
 * node. An operator's alert on refusals, 502 and 504 counts nobody's Ctrl-C.
 */
let own: OwnStack;
let world: World;

beforeAll(async () => {
  own = await openOwnStack({ simulatorArgs: ["--step-ms", "20"] });
  world = own.world;
});
afterEach(() => world.clearFaults());
afterAll(() => own.close());

const watched = new Set(["caller_left", "refused", "attempt_failed", "deadline_passed"]);

interface Told {
  at: "edge" | "node";
  event: string;
  phase?: string;
  code?: string;
}

/** What the logs have told of endings since line `from`, in order. */
function readTold(from: number): Told[] {
  return own.logs.slice(from).flatMap((line) => {
    const start = line.indexOf("{");
    if (start === -1) return [];
    const { event, phase, code } = JSON.parse(line.slice(start)) as Told;
    return watched.has(event) ? [{ at: line.startsWith("edge") ? "edge" : "node", event, phase, code } as Told] : [];
  });
}

/** Waits until as many endings are told, and a while for more. */
async function readAll(from: number, count: number): Promise<Told[]> {
  for (const endMs = Date.now() + 5_000; Date.now() < endMs && readTold(from).length < count;) await sleep(20);
  await sleep(500);
  return readTold(from);
}

const endless = { max_tokens: 2_000, ignore_eos: true };
const left = (at: "edge" | "node", phase: string) => ({ at, event: "caller_left", phase });

describe("a caller who leaves", () => {
  test.each([
    ["content-length: 500", '{"model"'],
    ["transfer-encoding: chunked", '5\r\n{"mod\r\n'],
  ])("while their body arrives (%s)", async (header, body) => {
    const org = await world.newOrg();
    const from = own.logs.length;
    const { hostname, port } = new URL(world.place.edge);
    const socket = connect(Number(port), hostname);
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: edge\r\nauthorization: Bearer ${org.key}\r\n${header}`;
    socket.write(`${head}\r\n\r\n${body}`);
    await sleep(300);
    socket.destroy();
    expect(await readAll(from, 1)).toMatchObject([left("edge", "body")]);
  });

  test("while the ledger's window is waited for", async () => {
    const org = await world.newOrg({ requestsPerMinute: 1 });
    await world.chat(org.key, { max_tokens: 1 });
    const refused = await world.chat(org.key, { max_tokens: 1 });
    const waitMs = Number(refused.headers.get("retry-after-ms"));
    expect(waitMs).toBeGreaterThan(1_000);
    await sleep(waitMs - 200);
    const from = own.logs.length;
    const leaving = new AbortController();
    const answer = world.chat(org.key, { max_tokens: 1 }, {}, leaving.signal);
    answer.catch(() => undefined);
    await sleep(100);
    leaving.abort();
    expect(await readAll(from, 1)).toMatchObject([left("edge", "admission")]);
  }, 90_000);

  test.each([false, true])("while a node's headers are waited for; a stream: %s", async (stream) => {
    const org = await world.newOrg();
    await world.fault({ kind: "slow-headers", ms: 5_000, times: 1 });
    const from = own.logs.length;
    const leaving = new AbortController();
    const answer = world.chat(org.key, { stream, max_tokens: 50 }, {}, leaving.signal);
    answer.catch(() => undefined);
    await sleep(400);
    leaving.abort();
    const told = await readAll(from, 2);
    expect(told.toSorted((one, other) => one.at.localeCompare(other.at))).toMatchObject([
      left("edge", "headers"),
      left("node", "headers"),
    ]);
  });

  test.each([false, true])("while their answer is made; a stream: %s", async (stream) => {
    const org = await world.newOrg();
    const from = own.logs.length;
    const leaving = new AbortController();
    const answer = world.chat(org.key, { ...endless, stream }, {}, leaving.signal).then((response) => response.text());
    answer.catch(() => undefined);
    await sleep(1_500);
    leaving.abort();
    const told = await readAll(from, 2);
    expect(told.map(({ at, event }) => [at, event]).toSorted()).toEqual([
      ["edge", "caller_left"],
      ["node", "caller_left"],
    ]);
    if (stream) expect(told).toMatchObject([{ phase: "answer" }, { phase: "answer" }]);
  });
});

test("whoever stays is told of in no such way: whole, streamed, refused", async () => {
  const org = await world.newOrg();
  const from = own.logs.length;
  for (const stream of [false, true]) await (await world.chat(org.key, { max_tokens: 3, stream })).text();
  await (await world.chat(org.key, { temperature: 9 })).text();
  expect(await readAll(from, 1)).toMatchObject([{ at: "edge", event: "refused", code: "invalid_value" }]);
});

describe("a caller's own deadline", () => {
  test("is told as theirs, whole or streamed, is no error of a node, and the SDK does not try again", async () => {
    const org = await world.newOrg();
    const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key });
    const said = "The call's time ran out: 700 ms, set by the caller's 'x-penstock-timeout-ms'.";
    const messages = [{ role: "user" as const, content: "hi" }];
    const headers = { "x-penstock-timeout-ms": "700" };
    const from = own.logs.length;
    const whole = openai.chat.completions.create({ model: "chat", messages, ...endless }, { headers });
    await expect(whole).rejects.toMatchObject({ status: 504, code: "gateway_timeout", message: `504 ${said}` });
    const stream = await openai.chat.completions.create(
      { model: "chat", messages, ...endless, stream: true },
      { headers },
    );
    const read = async () => {
      for await (const chunk of stream) expect(chunk.object).toBe("chat.completion.chunk");
    };
    await expect(read()).rejects.toThrow(said);
    const told = await readAll(from, 2);
    expect(told.filter(({ event }) => event === "refused" || event === "attempt_failed")).toEqual([]);
    // Once: a second try of the SDK's would have ended alike.
    expect(told.filter(({ at, event }) => at === "edge" && event === "deadline_passed")).toHaveLength(1);
    expect(await (await fetch(`${world.place.edge}/health`)).json()).toMatchObject({ status: "healthy" });
    expect(await world.settled(org.id, 6_000)).toHaveLength(2);
  });

  test("is theirs too in a whole answer that was kept alive and breaks at the node", async () => {
    const org = await world.newOrg();
    const answer = await world.chat(org.key, endless, { "x-penstock-timeout-ms": "4000" });
    expect([answer.status, answer.headers.get("x-should-retry")]).toEqual([504, "false"]);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining("4000 ms, set by") } });
  });
});
