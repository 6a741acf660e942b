import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { childrenOf } from "#test/support/stack/processes.ts";
import { openOwnStack, untilHealthy, type OwnStack } from "#test/support/stack/stack.ts";

let own: OwnStack;
afterEach(() => own.close());

/** Reads a response until `count` events have come, and goes on reading behind the answer. */
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

test("an engine killed with -9 in mid-stream: error event, exact bill, nothing held", async () => {
  own = await openOwnStack();
  const org = await own.world.newOrg();
  const response = await own.world.chat(org.key, { stream: true, max_tokens: 3_000, ignore_eos: true });
  const { rest } = await readUntil(response, 20);
  own.stack.nodes[0]!.engine!.kill("SIGKILL");
  const text = await rest;
  expect(text).not.toContain("[DONE]");
  expect(text).toMatch(/data: \{"error":\{[^\n]*"code":"stream_broken"\}\}\n\n$/);
  const sent = text.split("\n\n").filter((block) => /"content":"[^"]/.test(block)).length;
  const [row, ...others] = await own.world.settled(org.id);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ end: "failed" });
  // A token that ends within a character makes no text of its own, so there may be more tokens than texts.
  expect(row!.completionTokens).toBeGreaterThanOrEqual(sent);
  expect(row!.completionTokens).toBeLessThanOrEqual(sent * 1.2);
});

test("an agent killed with -9 in mid-stream: the SDK throws, the hold expires, its last checkpoint bills", async () => {
  // A second for the hold to outlive its deadline would race with the restarted agent's report: it may report five.
  own = await openOwnStack({ vars: { HOLD_GRACE_MS: "5000" } });
  const org = await own.world.newOrg({ concurrency: 1 });
  const openai = new OpenAI({ baseURL: `${own.world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const vllmOnly = { ignore_eos: true };
  const stream = await openai.chat.completions.create(
    { model: "chat", messages: [{ role: "user", content: "hi" }], max_tokens: 3_000, stream: true, ...vllmOnly },
    { headers: { "x-penstock-timeout-ms": "4000" } },
  );
  let chunks = 0;
  const read = async () => {
    for await (const chunk of stream)
      if (chunk.choices[0]?.delta.content && ++chunks === 420) own.stack.nodes[0]!.agent.kill("SIGKILL");
  };
  await expect(read()).rejects.toThrow();
  const during = await own.world.ledger(org.id);
  expect(during.openHolds).toHaveLength(1);
  await own.stack.nodes[0]!.restartAgent();
  const rows = await own.world.settled(org.id, 45_000);
  expect(rows).toMatchObject([{ end: "expired" }]);
  // A checkpoint every 256 tokens: what is lost with the node is the house's, and less than that.
  expect(rows[0]!.completionTokens).toBeGreaterThanOrEqual(256);
  expect(rows[0]!.completionTokens).toBeLessThanOrEqual(chunks + 5);
  expect((await own.world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
});

test("an edge killed with -9 in mid-stream: keys and limits survive, the agents deliver the bill, once", async () => {
  own = await openOwnStack();
  const org = await own.world.newOrg({ requestsPerMinute: 40 });
  await (await own.world.chat(org.key, { stream: true, max_tokens: 5 })).text();
  const responses = await Promise.all(
    Array.from({ length: 4 }, () => own.world.chat(org.key, { stream: true, max_tokens: 2_000, ignore_eos: true })),
  );
  const holds = responses.map((response) => String(response.headers.get("x-penstock-hold")));
  const reading = await Promise.all(responses.map((response) => readUntil(response, 15)));
  const [workerd] = childrenOf(process.pid, "workerd");
  process.kill(workerd!, "SIGKILL");
  for (const { rest } of reading) expect(await rest).not.toContain("[DONE]");
  await untilHealthy(own.world.place.edge);
  const rows = await own.world.settled(org.id, 40_000);
  expect(new Set(rows.map((row) => row.hold))).toEqual(
    new Set([...holds, rows.find((row) => row.end === "completed")!.hold]),
  );
  expect(rows).toHaveLength(5);
  for (const hold of holds) {
    const [made] = await own.world.made(hold);
    const row = rows.find((candidate) => candidate.hold === hold)!;
    expect(row.end).toBe("cancelled");
    expect(row.completionTokens).toBeGreaterThanOrEqual(13);
    expect(row.completionTokens).toBeLessThanOrEqual(made!.emittedTokens);
  }
  const minute = (await own.world.ledger(org.id)).windows.find(
    (row: { window: string }) => row.window === "requestsPerMinute",
  );
  expect(minute.settled).toBe(5);
  const again = await Promise.all(Array.from({ length: 60 }, () => own.world.chat(org.key, { max_tokens: 1 })));
  expect(again.filter(({ status }) => status === 200)).toHaveLength(35);
});

test("usage that was written but not delivered is replayed after the agent itself was killed", async () => {
  own = await openOwnStack();
  const org = await own.world.newOrg();
  const [workerd] = childrenOf(process.pid, "workerd");
  const response = await own.world.chat(org.key, { stream: true, max_tokens: 60, ignore_eos: true });
  const { rest } = await readUntil(response, 5);
  // The edge stands still: the answer's end and its record reach the agent's disk only.
  process.kill(workerd!, "SIGSTOP");
  await new Promise((done) => setTimeout(done, 800));
  own.stack.nodes[0]!.agent.kill("SIGKILL");
  await own.stack.nodes[0]!.restartAgent();
  process.kill(workerd!, "SIGCONT");
  await rest;
  const rows = await own.world.settled(org.id, 40_000);
  expect(rows).toMatchObject([{ end: "completed", completionTokens: 60 }]);
});
