import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { eventsOf } from "#test/support/stack/world.ts";

/** What of stored responses needs a clock, a bucket that fails, or a look at the disk. */
let own: OwnStack;
beforeAll(async () => void (own = await openOwnStack({ entry: "test/support/faults/storage-edge.ts" })));
afterAll(() => own.close());

const hourMs = 3_600_000;
const canary = "canary-7f3a91c2";

async function openOrg(hours: number | null = 1) {
  const org = await own.world.newOrg();
  if (hours !== null) await retain(org.id, hours);
  return org;
}
const retain = (org: string, hours: number | null) =>
  own.world.must("PUT", `/orgs/${org}/response-retention`, { hours });

/** Asks on, with headers of the test's own. */
const ask = (key: string, over: object = {}, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  own.world.post(
    "/v1/responses",
    key,
    { model: "chat", input: `Say ${canary}`, max_output_tokens: 9, ignore_eos: true, ...over },
    headers,
    signal,
  );
const show = async (key: string, id: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${own.world.place.edge}/v1/responses/${id}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  await answer.text();
  return answer.status;
};
const runChores = async (laterMs = 0) => {
  const answer = await fetch(`${own.world.place.edge}/test/chores`, {
    headers: { "x-test-later-ms": String(laterMs) },
  });
  expect(answer.status).toBe(204);
};

/** Every byte that D1 and the bucket have on disk. */
function listState(): { path: string; text: string }[] {
  const files = readdirSync(join(own.world.place.stateDir, "edge"), { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, text: readFileSync(path, "latin1") }));
}
const listObjects = () => listState().filter(({ path }) => /\/r2\/.*\/blobs\//.test(path));

test("what is stored lies sealed: neither database nor bucket nor log has a word of it", async () => {
  const org = await openOrg();
  const before = listObjects().length;
  const metadata = { note: canary };
  const answer = await ask(org.key, { instructions: canary, metadata, user: canary, tools: [], input: canary });
  const { id, output, store } = await answer.json();
  const word: string = output[0].content[0].text;
  expect([store, word.length > 10]).toEqual([true, true]);
  expect(listObjects()).toHaveLength(before + 1);
  expect(listState().some(({ text }) => text.includes(id))).toBe(true);
  for (const secret of [canary, word.slice(0, 20)]) {
    expect(listState().filter(({ text }) => text.includes(secret))).toEqual([]);
    expect(own.logs.filter((line) => line.includes(secret))).toEqual([]);
  }
});

test("a response is there to the end of its time and not a moment longer, and then its bytes go", async () => {
  const org = await openOrg(1);
  const { id } = await (await ask(org.key)).json();
  const objects = listObjects().length;
  expect(await show(org.key, id, { "x-test-later-ms": String(hourMs - 60_000) })).toBe(200);
  const late = { "x-test-later-ms": String(hourMs + 1) };
  expect(await show(org.key, id, late)).toBe(404);
  const goingOn = await ask(org.key, { previous_response_id: id }, late);
  expect([goingOn.status, (await goingOn.json()).error.code]).toEqual([400, "previous_response_not_found"]);
  await retain(org.id, 2);
  expect(await show(org.key, id, late)).toBe(200);
  await retain(org.id, 1);
  await runChores();
  expect([await show(org.key, id), listObjects().length]).toEqual([200, objects]);
  await runChores(hourMs + 1);
  expect(await show(org.key, id)).toBe(404);
  expect(listObjects().length).toBeLessThan(objects);
});

test("storage that is switched off has nothing any more, at once; switched on again it begins anew", async () => {
  const [org, other] = await Promise.all([openOrg(), openOrg()]);
  const { id } = await (await ask(org.key)).json();
  const theirs = await (await ask(other.key)).json();
  const objects = listObjects().length;
  expect((await retain(org.id, null)).responseRetentionHours).toBeNull();
  expect(await show(org.key, id)).toBe(404);
  // This isolate may yet believe that the org stores: the store itself says no, and so does the answer.
  const unstored = await (await ask(org.key)).json();
  expect([unstored.store, await show(org.key, unstored.id)]).toEqual([false, 404]);
  const refused = await ask(org.key, { store: true });
  expect([refused.status, (await refused.json()).error.param]).toEqual([400, "store"]);
  await retain(org.id, 1);
  expect(await show(org.key, id)).toBe(404);
  const again = await (await ask(org.key)).json();
  expect([again.store, await show(org.key, again.id)]).toEqual([true, 200]);
  await runChores();
  // One of the old key's went, one of the new key's came.
  expect(listObjects()).toHaveLength(objects);
  expect([await show(other.key, theirs.id), await show(org.key, again.id)]).toEqual([200, 200]);
});

test.each([false, true])(
  "where storing fails the answer comes whole, is billed, and says so, stream: %s",
  async (stream) => {
    const org = await openOrg();
    const answer = await ask(org.key, { stream, store: true }, { "x-test-bucket": "fails" });
    const last = stream ? JSON.parse((await eventsOf(answer)).at(-1) ?? "{}").response : await answer.json();
    expect([last.status, last.store, last.usage.output_tokens]).toEqual(["incomplete", false, 9]);
    expect(last.output[0].content[0].text.length).toBeGreaterThan(10);
    expect(await show(org.key, last.id)).toBe(404);
    const [row] = await own.world.settled(org.id);
    expect([row?.end, row?.completionTokens]).toEqual(["completed", 9]);
    expect(own.logs.filter((line) => line.includes("response_not_stored")).length).toBeGreaterThan(0);
    const previous_response_id = (await (await ask(org.key)).json()).id;
    const unread = await ask(org.key, { previous_response_id }, { "x-test-bucket": "fails" });
    expect([unread.status, (await unread.json()).error.code]).toEqual([503, "store_unavailable"]);
  },
);

test("a stream whose caller leaves, and one that breaks, are not stored", async () => {
  const org = await openOrg();
  const before = listObjects().length;
  const leaving = new AbortController();
  const answer = await ask(org.key, { stream: true, max_output_tokens: 2_000 }, {}, leaving.signal);
  const reader = answer.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  const id = /"id":"(resp_\w+)"/.exec(first)?.[1] ?? "";
  leaving.abort();
  await own.world.settled(org.id);
  await sleep(300);
  expect([id.length, await show(org.key, id)]).toEqual([27, 404]);

  await own.world.fault({ kind: "cut", afterChunks: 4, times: 1 });
  const broken = await eventsOf(await ask(org.key, { stream: true }));
  await own.world.clearFaults();
  const events = broken.map((text) => JSON.parse(text));
  expect(events.at(-1).type).toBe("error");
  const failed = events.find(({ type }) => type === "response.failed");
  expect([failed?.response.store, await show(org.key, events[0].response.id)]).toEqual([false, 404]);
  expect(listObjects()).toHaveLength(before);
});
