import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import {
  answerJson,
  chunk,
  openStream,
  roleChunk,
  streamChunks,
  textChunks,
  usage,
} from "#test/support/fakes/fake-engine.ts";
import { until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause, whole } from "#test/origin/calls/world.ts";

const world = openCallWorld();
/** A stream that begins, and then stands still. */
const begin = (response: ServerResponse) => {
  openStream(response);
  response.write(roleChunk + chunk("a", usage(7, 1)));
};

test("once enough calls have ended, an answer carries the traffic profile of this org and model alone", async () => {
  const readProfileAfter = async (calls: number, claims: Record<string, unknown>) => {
    for (let at = 0; at < calls; at++) await world.ask({}, claims);
    return (await world.ask({}, claims)).headers["x-penstock-profile"];
  };
  world.engine.script = (response) => answerJson(response, 200, whole());
  const mine = { org: "org_habits0001", promptTokensGuess: 5 };
  expect(await readProfileAfter(15, mine)).toBeUndefined();
  expect(await readProfileAfter(0, mine)).toBe("out=4 cached=5 ratio=1.400");
  expect(await readProfileAfter(0, { org: "org_habits0002" })).toBeUndefined();
  world.engine.script = (response) => streamChunks(response, textChunks(["a"]));
  const { headers } = await world.ask({ stream: true }, mine);
  expect(headers["x-penstock-profile"]).toMatch(/^out=4 cached=5 ratio=1\.4/);
});

test("a caller who leaves before the answer stops the engine; their prompt is checkpointed, not settled", async () => {
  world.engine.script = () => {};
  const { request, hold } = await world.setup.open();
  await until(() => world.engine.calls.length === 1);
  request.destroy();
  await until(() => world.engine.calls[0]?.isAborted === true);
  expect(await world.readRecords(hold)).toMatchObject([
    { isFinal: false, promptTokens: 7, completionTokens: 0, outcome: "cancelled" },
  ]);
});

test.each([
  ["a whole answer, kept alive by white space", false, "answer", () => {}],
  ["a stream that has not begun", true, "headers", () => {}],
  ["a stream in flow", true, "answer", begin],
] as const)("who leaves %s is logged once, as that, and counted as left: nobody is refused", async (...row) => {
  const [, stream, phase, script] = row;
  world.engine.script = script;
  const { request, hold } = await world.setup.open({ stream });
  await until(() => world.engine.calls.length === 1);
  await pause(400);
  const from = world.setup.logs.length;
  request.destroy();
  await world.readRecords(hold);
  await pause(100);
  const lines = world.setup.logs.slice(from).map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = lines.filter(
    ({ event }) => event === "caller_left" || event === "refused" || event === "deadline_passed",
  );
  expect(told).toMatchObject([{ event: "caller_left", hold, phase, ms: expect.any(Number) }]);
});

test("a call whose time is over is told whose time it was, as an event and not as a refusal", async () => {
  world.engine.script = begin;
  const soon = () => ({ deadlineMs: Math.floor(Date.now() / 1_000) * 1_000 + 1_500 });
  const own = await world.ask({ stream: true }, { ...soon(), ownTimeoutMs: 700 });
  expect(own.text).toContain("The call's time ran out: 700 ms, set by the caller's 'x-penstock-timeout-ms'.");
  const ours = await world.ask({ stream: true }, soon());
  expect(ours.text).toContain("The call's time ran out.");
  const from = world.setup.logs.length;
  const { status, text } = await world.ask({}, { deadlineMs: Date.now() - 3_000 });
  expect([status, JSON.parse(text).error.code]).toEqual([504, "gateway_timeout"]);
  const events = world.setup.logs.slice(from).map((line) => (JSON.parse(line) as { event: string }).event);
  expect(events).toContain("deadline_passed");
  expect(events).not.toContain("refused");
  expect(events).not.toContain("caller_left");
  const page = await (await fetch(`${world.setup.agent.url}/metrics`)).text();
  expect(page).toMatch(/penstock_agent_requests_total\{outcome="deadline_passed"\} [1-9]/);
  expect(page).toMatch(/penstock_agent_requests_total\{outcome="left"\} [1-9]/);
  expect(page).not.toContain('outcome="gateway_timeout"');
});

test("a call whose time was over before its engine was asked costs nothing", async () => {
  world.engine.script = (response) => answerJson(response, 200, whole());
  for (const stream of [true, false]) {
    const { status, hold } = await world.ask(
      { stream },
      { deadlineMs: Math.floor(Date.now() / 1_000) * 1_000 - 1_000 },
    );
    expect(status).toBe(504);
    await pause(300);
    expect(world.setup.edge.records.filter((record) => record.hold === hold)).toEqual([]);
  }
  expect(world.engine.calls).toEqual([]);
});

test("a prompt longer than its hold is reported whole, told of loudly, and makes the next factor", async () => {
  const answer = (tokens: number) => {
    const usage = { prompt_tokens: tokens, completion_tokens: 4, total_tokens: tokens + 4 };
    world.engine.script = (response) => answerJson(response, 200, whole({ usage }));
  };
  const ask = async (claims: Record<string, unknown>, body: Record<string, unknown> = {}) => {
    const { headers, hold } = await world.ask(body, { tokensHeld: 120, completionTokensMax: 20, ...claims });
    return { bound: headers["x-penstock-bound"], hold };
  };
  const org = "org_bounds0001";
  answer(100);
  expect((await ask({ org })).bound).toBeUndefined();
  answer(250);
  const { bound, hold } = await ask({ org });
  expect(bound).toBe("3");
  expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 220, completionTokens: 4 });
  const lines = world.setup.logs.filter((line) => line.includes("prompt_over_hold"));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ event: "prompt_over_hold", org, model: "public", hold, held: 100, counted: 250 }),
  ]);
  // What was held by a factor is measured by the bound itself.
  answer(100);
  expect((await ask({ org, tokensHeld: 320, boundFactor: 3 })).bound).toBe("3");
  answer(301);
  expect((await ask({ org, tokensHeld: 320, boundFactor: 3 })).bound).toBe("4");
  expect((await ask({ org: "org_bounds0002", tokensHeld: 320 })).bound).toBe("2");
  // A stream's headers leave before anything is counted: its next call is told.
  world.engine.script = (response) => streamChunks(response, textChunks(["a"]));
  const brief = { org: "org_bounds0003", tokensHeld: 22 };
  expect((await ask(brief, { stream: true })).bound).toBeUndefined();
  expect((await ask(brief, { stream: true })).bound).toBe("4");
});
