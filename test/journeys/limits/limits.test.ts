import { Agent, request } from "node:http";
import OpenAI from "openai";
import { expect, inject, test } from "vitest";
import { windowOf, worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));

/** A call over a socket pool of our own: a storm must not queue in the client. */
function knock(agent: Agent, key: string, body: unknown): Promise<number> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    };
    const call = request(`${world.place.edge}/v1/chat/completions`, { method: "POST", agent, headers }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    call.once("error", reject).end(text);
  });
}

test("a storm of 1,000 concurrent calls on a limit of 60 a minute admits exactly 60", async () => {
  const org = await world.newOrg({ requestsPerMinute: 60 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  const body = { model: "chat", messages: [{ role: "user", content: "hi" }], max_tokens: 1 };
  const statuses = await Promise.all(Array.from({ length: 1_000 }, () => knock(agent, org.key, body)));
  agent.destroy();
  expect(statuses.filter((status) => status !== 429).every((status) => status === 200 || status === 503)).toBe(true);
  // A call that was admitted and then found the nodes saturated keeps its place in the minute.
  expect(statuses.filter((status) => status !== 429)).toHaveLength(60);
  await world.settled(org.id);
  expect(windowOf(await world.ledger(org.id), "requestsPerMinute")).toMatchObject({
    limit: 60,
    remaining: 0,
    held: 0,
    settled: 60,
  });
});

test("no more calls run at once than the org may, and a slot is free within a second of a stream's end", async () => {
  const org = await world.newOrg({ concurrency: 3 });
  const streams = await Promise.all(
    Array.from({ length: 3 }, () => world.chat(org.key, { stream: true, max_tokens: 400, ignore_eos: true })),
  );
  expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
  const fourth = await world.chat(org.key, { max_tokens: 1 });
  expect(fourth.status).toBe(429);
  expect(await fourth.json()).toMatchObject({
    error: { type: "rate_limit_error", code: "concurrency_exceeded", param: null },
  });
  await streams[0]?.body?.cancel();
  await new Promise((done) => setTimeout(done, 900));
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
  await Promise.all(streams.slice(1).map((stream) => stream.body?.cancel()));
  await world.settled(org.id);
});

test("a rate refusal says when to come back, in the headers that SDKs obey", async () => {
  const org = await world.newOrg({ requestsPerMinute: 1 });
  await world.chat(org.key, { max_tokens: 1 });
  const refused = await world.chat(org.key, { max_tokens: 1 });
  expect(refused.status).toBe(429);
  const seconds = Number(refused.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(50);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(Number(refused.headers.get("retry-after-ms"))).toBeLessThanOrEqual(60_000);
  expect(Math.ceil(Number(refused.headers.get("retry-after-ms")) / 1_000)).toBe(seconds);
  expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  expect(refused.headers.get("x-ratelimit-reset-requests")).toMatch(/^(1m[01]s|5\d(\.\d+)?s)$/);
  expect(refused.headers.get("x-should-retry")).toBeNull();
});

test("a used-up quota keeps SDKs from retrying, and names when it opens", async () => {
  const org = await world.newOrg({ requestsPerDay: 1 });
  await world.chat(org.key, { max_tokens: 1 });
  const refused = await world.chat(org.key, { max_tokens: 1 });
  const body = (await refused.json()) as { error: { message: string } };
  expect(refused.status).toBe(429);
  expect(body).toMatchObject({ error: { type: "insufficient_quota", code: "insufficient_quota" } });
  expect(body.error.message).toMatch(/used up: requests per day .* opens again at \d{4}-\d\d-\d\dT00:00:00/);
  expect(refused.headers.get("x-should-retry")).toBe("false");
});

test("a call larger than its quota hears what it needs and what there is, and a clamp is let in", async () => {
  const org = await world.newOrg({ tokensPerDay: 1_500 });
  const refused = await world.chat(org.key, {});
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  expect([refused.status, error.code, refused.headers.get("x-should-retry")]).toEqual([
    429,
    "insufficient_quota",
    "false",
  ]);
  expect(error.message).toMatch(/^This call needs 2\d{3}; 1500 are free, and calls under way hold 0: tokens per day /);
  expect(error.message).toContain("Lower 'max_tokens', or send 'x-penstock-clamp: true'");
  expect((await world.chat(org.key, {}, { "x-penstock-clamp": "true" })).status).toBe(200);
});

test("tokens that a call under way holds are no used-up quota: the SDK's retry passes when it ends", async () => {
  const org = await world.newOrg({ tokensPerDay: 1_500 });
  const running = await world.chat(org.key, { stream: true, max_tokens: 1_000, ignore_eos: true });
  const refused = await world.chat(org.key, { max_tokens: 1_000 });
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  expect([refused.status, error.code, refused.headers.get("x-should-retry")]).toEqual([
    429,
    "rate_limit_exceeded",
    null,
  ]);
  expect(refused.headers.get("retry-after-ms")).toBe("1000");
  expect(error.message).toMatch(/calls under way hold 1\d{3}: .* comes back when they end\. Try again in 1s\./);
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key });
  const messages = [{ role: "user" as const, content: "hi" }];
  const retried = openai.chat.completions.create({ model: "chat", messages, max_tokens: 1_000 });
  await running.body?.cancel();
  expect((await retried).object).toBe("chat.completion");
  await world.settled(org.id);
});

test("a denied call costs nothing: every counter stands as it stood", async () => {
  const org = await world.newOrg({ tokensPerDay: 5_000, requestsPerMinute: 10 });
  const before = (await world.ledger(org.id)).windows;
  for (const fields of [{ max_tokens: 8_000 }, { max_tokens: 9_999 }, { temperature: 9 }, { model: "nope" }]) {
    expect((await world.chat(org.key, fields)).status).toBeGreaterThanOrEqual(400);
  }
  expect((await world.ledger(org.id)).windows).toEqual(before);
});

test("near the limit the prompt is counted exactly, so nobody is refused without cause", async () => {
  // 600 bytes of prompt are far fewer tokens: the safe bound does not fit in 400, the exact count does.
  const org = await world.newOrg({ tokensPerDay: 400 });
  const messages = [{ role: "user", content: "The quick brown fox jumps over the lazy dog. ".repeat(14) }];
  const response = await world.post("/v1/chat/completions", org.key, { model: "chat", messages, max_tokens: 4 });
  expect(response.status).toBe(200);
  const { usage } = (await response.json()) as { usage: { total_tokens: number } };
  await world.settled(org.id);
  expect(windowOf(await world.ledger(org.id), "tokensPerDay")).toMatchObject({ held: 0, settled: usage.total_tokens });
});

test("a caller who opts in gets the completion that still fits instead of a refusal", async () => {
  const org = await world.newOrg({ tokensPerDay: 600 });
  const call = { max_tokens: 2_000, ignore_eos: true };
  expect((await world.chat(org.key, call)).status).toBe(429);
  const clamped = await world.chat(org.key, call, { "x-penstock-clamp": "true" });
  expect(clamped.status).toBe(200);
  const { usage, choices } = (await clamped.json()) as {
    usage: { completion_tokens: number };
    choices: { finish_reason: string }[];
  };
  expect(choices[0]?.finish_reason).toBe("length");
  expect(usage.completion_tokens).toBeLessThan(600);
});

test("a key's own limits bind it, and leave the org's other keys alone", async () => {
  const org = await world.newOrg();
  const narrow = await world.newKey(org.id, { limits: { requestsPerMinute: 1 } });
  expect((await world.chat(narrow.secret, { max_tokens: 1 })).status).toBe(200);
  const refused = await world.chat(narrow.secret, { max_tokens: 1 });
  expect(await refused.json()).toMatchObject({
    error: { code: "rate_limit_exceeded", message: expect.stringContaining("this key's limit is 1") },
  });
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
});

test("a complex call goes to the dedicated tier, with the reason in the header", async () => {
  const org = await world.newOrg();
  const response = await world.chat(org.key, { max_tokens: 5_000, stream: true });
  expect(response.headers.get("x-penstock-tier")).toMatch(/^complex; kv=\d+ gpu_s=[\d.]+ why=kv$/);
  await response.body?.cancel();
  const [row] = await world.settled(org.id);
  expect(row?.tier).toBe("complex");
});

test("remaining, held and settled add up to the limit in every window, in the middle of calls too", async () => {
  const org = await world.newOrg({
    requestsPerMinute: 50,
    requestsPerHour: 60,
    concurrency: 9,
    tokensPerMinute: 90_000,
    tokensPerDay: 90_000,
    tokensPerMonth: 90_000,
    requestsPerDay: 70,
    costMicrosPerMonth: 900_000,
  });
  const streams = await Promise.all(
    Array.from({ length: 4 }, () => world.chat(org.key, { stream: true, max_tokens: 200, ignore_eos: true })),
  );
  const isWhole = (state: { windows: { limit: number; remaining: number; held: number; settled: number }[] }) =>
    state.windows.every(
      ({ limit, remaining, held, settled }) => remaining >= 0 && limit === remaining + held + settled,
    );
  const during = await world.ledger(org.id);
  expect(windowOf(during, "concurrency").held).toBe(4);
  expect(windowOf(during, "tokensPerDay").held).toBeGreaterThan(800);
  expect(isWhole(during)).toBe(true);
  await Promise.all(streams.map((stream) => stream.text()));
  await world.settled(org.id);
  const after = await world.ledger(org.id);
  expect(isWhole(after)).toBe(true);
  expect(windowOf(after, "tokensPerDay").held).toBe(0);
});
