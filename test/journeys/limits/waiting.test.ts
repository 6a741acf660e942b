import OpenAI from "openai";
import { expect, inject, test } from "vitest";
import { windowOf, worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const messages = [{ role: "user" as const, content: "Tell me a story" }];
const endless = { stream: true, max_tokens: 2_000, ignore_eos: true };

/** A client with an SDK's own settings; which answers it got besides 200, those included that it tries again after. */
function newClient(key: string) {
  const refused: number[] = [];
  const openai = new OpenAI({
    baseURL: `${world.place.edge}/v1`,
    apiKey: key,
    fetch: async (...request) => {
      const response = await fetch(...request);
      if (response.status !== 200) refused.push(response.status);
      return response;
    },
  });
  return { openai, refused };
}

test("a worker that loops at exactly its limit of calls at once is never refused", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  const { openai, refused } = newClient(org.key);
  for (let n = 0; n < 15; n++) {
    await openai.chat.completions.create({ model: "chat", messages, max_tokens: 3 });
    const stream = await openai.chat.completions.create({ model: "chat", messages, max_tokens: 3, stream: true });
    for await (const _ of stream);
  }
  expect(refused).toEqual([]);
  expect(await world.settled(org.id)).toHaveLength(30);
});

test("nor are two keys' workers, three in all, where the org may run two at once", async () => {
  const org = await world.newOrg({ concurrency: 2 });
  const other = await world.newKey(org.id);
  const headers = { "x-penstock-wait-ms": "20000" };
  const work = async (key: string) => {
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const answer = await world.chat(key, { max_tokens: 3 }, headers);
      await answer.text();
      statuses.push(answer.status);
    }
    return statuses;
  };
  const statuses = await Promise.all([work(org.key), work(org.key), work(other.secret)]);
  expect(statuses.flat().filter((status) => status !== 200)).toEqual([]);
  expect(await world.settled(org.id)).toHaveLength(24);
});

test("a repeat of an idempotency key right after the first answer's end is shown that call", async () => {
  const org = await world.newOrg();
  for (let n = 0; n < 10; n++) {
    const headers = { "idempotency-key": `order-${n}` };
    const first = await world.chat(org.key, { stream: n % 2 === 0, max_tokens: 3 }, headers);
    const hold = first.headers.get("x-penstock-hold");
    await first.text();
    const again = await world.chat(org.key, { stream: n % 2 === 0, max_tokens: 3 }, headers);
    expect(await again.json()).toMatchObject({ error: { code: "idempotency_replayed", first_call: { hold } } });
  }
});

test("who will not wait is refused at once, and what is no time is refused by name", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  const running = await world.chat(org.key, endless);
  const hasty = await world.chat(org.key, { max_tokens: 1 }, { "x-penstock-wait-ms": "0" });
  expect([hasty.status, await hasty.json()]).toMatchObject([429, { error: { code: "concurrency_exceeded" } }]);
  const vague = await world.chat(org.key, { max_tokens: 1 }, { "x-penstock-wait-ms": "soon" });
  expect([vague.status, await vague.json()]).toMatchObject([400, { error: { param: "x-penstock-wait-ms" } }]);
  await running.body?.cancel();
  await world.settled(org.id);
});

test("who leaves while they wait holds nothing, and the next in line is served", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  const running = await world.chat(org.key, endless);
  const headers = { "x-penstock-wait-ms": "20000" };
  const controller = new AbortController();
  const leaving = world.chat(org.key, endless, headers, controller.signal).catch(() => "left");
  await new Promise((done) => setTimeout(done, 200));
  const staying = world.chat(org.key, { max_tokens: 3 }, headers);
  controller.abort();
  expect(await leaving).toBe("left");
  await running.body?.cancel();
  expect((await staying).status).toBe(200);
  await world.settled(org.id);
  expect(windowOf(await world.ledger(org.id), "concurrency")).toMatchObject({ limit: 1, held: 0 });
});
