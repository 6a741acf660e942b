import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAttack } from "#infra/checks/storm/attack/attacker.ts";
import { attacks } from "#infra/checks/storm/attack/attacks.ts";
import { readReadings } from "#origin/engines/readings.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { eventsOf, type Org, type UsageRowView, type World } from "#test/support/stack/world.ts";

/**
 * What one org can do to the others by the mere size of its calls: nothing. Steps of 40 ms, so that an attack of many
 * sequences lasts while others come and go, and costs this machine little.
 */
let stack: OwnStack;
let world: World;
let neighbours: Org[];

beforeAll(async () => {
  stack = await openOwnStack({ simulatorArgs: ["--step-ms", "40"] });
  ({ world } = stack);
  neighbours = await Promise.all(Array.from({ length: 4 }, () => world.newOrg()));
});
afterAll(() => stack.close());

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const sixtyFour = { model: "chat", n: 8, temperature: 1, ignore_eos: true, prompt: times(8, "a") };
/** As the security trial sent it, save that it is bounded now. */
const rowOne = { path: "/v1/completions", body: { ...sixtyFour, max_tokens: 100 } };
const endless = { path: "/v1/completions", body: { ...sixtyFour, max_tokens: 4_000 } };
const patience = { "x-penstock-timeout-ms": "20000" };

/** An org as anyone gets it: plan Standard. */
async function newStandardOrg(): Promise<Org> {
  const { id } = await world.must("POST", "/orgs", { name: "attacker" });
  return { id, key: (await world.newKey(id)).secret };
}

/** One call of each kind by each neighbour, all at once; the status of each, and of streams whether they ended well. */
async function callAsNeighbours(): Promise<unknown[]> {
  const wave = neighbours.flatMap(({ key }) => [
    world.chat(key, { stream: true, max_tokens: 3, ignore_eos: true }),
    world.chat(key, { max_tokens: 2 }),
    world.chat(key, { max_tokens: 2, n: 8 }),
    world.post("/text2sql", key, { messages: [{ role: "user", content: "count" }], stream: true, max_tokens: 3 }),
    world.post("/v1/embeddings", key, { model: "embed", input: ["a", "b"] }),
  ]);
  return Promise.all(
    wave.map(async (call) => {
      const response = await call;
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
      if (response.status === 200 && isStream) return (await eventsOf(response)).at(-1);
      const text = await response.text();
      return response.status === 200 ? "[DONE]" : text;
    }),
  );
}
const allWell = () => times(neighbours.length * 5, "[DONE]");

/** Waits until the engines have at least so many sequences of anyone. */
async function untilAtWork(sequences: number): Promise<void> {
  for (const endMs = Date.now() + 20_000; Date.now() < endMs; await sleep(20)) {
    const all = await Promise.all(
      world.place.nodes.map(async ({ engineUrl }) => readReadings(await (await fetch(`${engineUrl}/metrics`)).text())),
    );
    const atWork = all.reduce((sum, { running, waiting }) => sum + (running ?? 0) + (waiting ?? 0), 0);
    if (atWork >= sequences) return;
  }
  throw new Error(`the engines never had ${sequences} sequences`);
}

/** What every line of an org's bill says, beside what the engines made for it. */
async function compareBill(org: Org): Promise<UsageRowView[]> {
  const rows = await world.settled(org.id, 30_000);
  for (const row of rows) {
    const made = await world.made(String(row["hold"]));
    const sum = (name: "promptTokens" | "emittedTokens") => made.reduce((all, record) => all + record[name], 0);
    expect([row.promptTokens, row.completionTokens]).toEqual([sum("promptTokens"), sum("emittedTokens")]);
  }
  return rows;
}

describe("two calls of one org at once", () => {
  test("as large as they were, are refused before anything is held, and the number to lower is named", async () => {
    const org = await newStandardOrg();
    const body = { ...rowOne.body, max_tokens: 250, prompt: times(2_040, "a") };
    const answers = await Promise.all([1, 2].map(() => world.post(rowOne.path, org.key, body, patience)));
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        error: { code: "invalid_value", param: "prompt", message: expect.stringContaining("at most 64") },
      });
    }
    expect(await world.settled(org.id)).toEqual([]);
  });

  test("as large as they may be, keep nobody waiting, and pay for each token that was made", async () => {
    const org = await newStandardOrg();
    const ended: string[] = [];
    const attack = [1, 2].map(async () => {
      const answer = await world.post(rowOne.path, org.key, rowOne.body, patience);
      await answer.arrayBuffer();
      ended.push("attack");
      return answer.status;
    });
    await untilAtWork(128);
    expect(await callAsNeighbours()).toEqual(allWell());
    ended.push("neighbours");
    expect(await Promise.all(attack)).toEqual([200, 200]);
    expect(ended).toEqual(["neighbours", "attack", "attack"]);
    const rows = await compareBill(org);
    expect(rows.map(({ end, completionTokens }) => [end, completionTokens])).toEqual(times(2, ["completed", 6_400]));
  });
});

test("an org that takes all it can get is told no alone; no node counts as broken or full by it", async () => {
  const org = await world.newOrg();
  const attack = startAttack(world.place.edge, org.key, { ...endless, name: "all it can get", atOnce: 9 });
  await untilAtWork(4 * 64);
  for (let wave = 0; wave < 3; wave++) expect(await callAsNeighbours()).toEqual(allWell());
  const refused = await world.post(endless.path, org.key, endless.body);
  expect([refused.status, refused.headers.get("x-penstock-org-share")]).toEqual([503, null]);
  expect(refused.headers.get("retry-after-ms")).toBe("1000");
  expect(await refused.json()).toMatchObject({
    error: { code: "server_is_overloaded", message: expect.stringContaining("one organization") },
  });
  await attack.stop();
  expect(new Set(attack.statuses)).toEqual(new Set([503, null]));
  const agents = stack.logs.filter((line) => line.startsWith("node_") && line.includes('"refused"'));
  expect(agents.some((line) => line.includes("org_share_full"))).toBe(true);
  expect(agents.filter((line) => line.includes("engine_full"))).toEqual([]);
  expect(await (await fetch(`${world.place.edge}/health`)).json()).toMatchObject({ status: "healthy" });
  await compareBill(org);
  // Nothing of it stays held.
  expect((await world.post(rowOne.path, org.key, { ...rowOne.body, max_tokens: 1 })).status).toBe(200);
});

describe("siblings of that attack, five at once on plan Standard", () => {
  test.each<[string, number]>([
    ["2,048 inputs", 4],
    ["choices × logprobs", 40],
    ["long prompts", 3],
    ["slow readers, 8 choices", 40],
  ])("%s: neighbours are served, and it is paid", async (name, sequences) => {
    const org = await newStandardOrg();
    const attack = attacks.find((one) => one.name === name);
    if (!attack) throw new RangeError(`no attack is called ${name}`);
    const running = startAttack(world.place.edge, org.key, attack);
    await untilAtWork(sequences);
    for (let wave = 0; wave < 2; wave++) expect(await callAsNeighbours()).toEqual(allWell());
    await running.stop();
    expect(running.statuses.filter((status) => status !== 200 && status !== 429 && status !== null)).toEqual([]);
    const rows = await compareBill(org);
    expect(rows.reduce((sum, { promptTokens }) => sum + promptTokens, 0)).toBeGreaterThan(0);
  });
});
