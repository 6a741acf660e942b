import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestBody } from "#edge/agreements/digest.ts";
import { makeHop, makeOrder, verifyHop, type HopClaims } from "#edge/agreements/tokens/hop.ts";
import { deriveNodeKeys, type NodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { startEdge, type RunningEdge } from "#infra/local/edge/edge.ts";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { root } from "#infra/local/stack.ts";
import { heartbeatOf } from "#test/support/fakes/fleet.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";
import { authorizeNode, nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { hopClaims, onceClaims } from "#test/support/fakes/origin.ts";
import { openOwnStack, untilHealthy, type OwnStack } from "#test/support/stack/stack.ts";
import type { Org } from "#test/support/stack/world.ts";

/** The new master, which is the only one from the end of the first test on. */
const n2 = secretOf(22);
let own: OwnStack;
let edge: RunningEdge;
let org: Org;
/** What was sent to agents, and by agents, as it stood on the wire. */
const sent: Record<"hops" | "posts", string[]> = { hops: [], posts: [] };
const taps: FaultProxy[] = [];
const tapInto = (texts: string[]) => async (url: string) => {
  const tap = await openFaultProxy(url, (bytes) => void texts.push(bytes.toString("latin1")));
  taps.push(tap);
  return tap.url;
};

beforeAll(async () => {
  own = await openOwnStack({
    agentLimits: { heartbeatMs: 500 },
    via: tapInto(sent.hops),
    viaEdge: tapInto(sent.posts),
  });
  edge = own.stack.edge;
  org = await own.world.newOrg();
});
afterAll(async () => {
  await edge.close();
  await own.close();
  await Promise.all(taps.map((tap) => tap.close()));
});

/** Each agent with the keys of these masters, in this order. */
async function configureAgents(masters: Record<string, string>): Promise<void> {
  for (const node of own.stack.nodes) {
    const file = join(own.world.place.stateDir, `${node.id}.json`);
    const config = { ...JSON.parse(readFileSync(file, "utf8")), nodeKeys: deriveNodeKeys(masters, node.id) };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    await node.agent.stop();
    await node.restartAgent();
  }
}

/** The same edge, at the same address, with these masters. */
async function configureEdge(masters: Record<string, string>): Promise<void> {
  const { vars } = own.stack;
  await edge.close();
  edge = await startEdge({
    root,
    port: Number(new URL(edge.url).port),
    stateDir: join(own.world.place.stateDir, "edge"),
    vars: { ...vars, NODE_MASTER_KEYS: JSON.stringify(masters) },
    log: (line) => void own.logs.push(`edge ${line}`),
  });
}

/** Runs a call to its line on the bill; tells under which kids the edge and the nodes have signed since. */
async function tryCall(): Promise<{ hops: string[]; posts: string[] }> {
  sent.hops.length = 0;
  sent.posts.length = 0;
  await untilHealthy(edge.url);
  const before = (await own.world.settled(org.id)).length;
  const response = await own.world.chat(org.key, { max_tokens: 2 });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("usage")]);
  await expect.poll(async () => (await own.world.settled(org.id)).length, { timeout: 10_000 }).toBe(before + 1);
  const readKids = (texts: string[], kind: string) => [
    ...new Set(texts.flatMap((text) => text.match(new RegExp(`(?<=Bearer ${kind}:)\\w+`)) ?? [])),
  ];
  return { hops: readKids(sent.hops, "hop1"), posts: readKids(sent.posts, "node1") };
}

const refusals = () => own.logs.filter((line) => /"why":"(token|node)"|does not verify|no known node/.test(line));

test("masters rotate without a gap: at each step calls go through and are billed, and nobody is refused", async () => {
  const { n1 = "" } = own.stack.secrets.nodeMasterKeys;
  expect(await tryCall()).toEqual({ hops: ["n1"], posts: ["n1"] });
  // 1. Both kids known on the agents, which go on under the old one.
  await configureAgents({ n1, n2 });
  expect(await tryCall()).toEqual({ hops: ["n1"], posts: ["n1"] });
  // 2. The edge makes with the new one, and takes both.
  await configureEdge({ n2, n1 });
  expect(await tryCall()).toEqual({ hops: ["n2"], posts: ["n1"] });
  // 3. The agents have the new one alone, then the edge.
  await configureAgents({ n2 });
  expect(await tryCall()).toEqual({ hops: ["n2"], posts: ["n2"] });
  await configureEdge({ n2 });
  expect(await tryCall()).toEqual({ hops: ["n2"], posts: ["n2"] });
  expect(refusals()).toEqual([]);

  const [node] = own.stack.nodes;
  if (!node) throw new Error("the stack has no node");
  const [old, live] = [nodeKeysOf(node.id, { n1 }), nodeKeysOf(node.id, { n2 })];
  expect([await postCall(node, old), await postCall(node, live)]).toEqual([401, 200]);
  expect([await postHeartbeat(node.id, old), await postHeartbeat(node.id, live)]).toEqual([401, 200]);
}, 120_000);

const body = JSON.stringify({ messages: [{ role: "user", content: "Hi" }] });
const model = "Qwen/Qwen2.5-7B-Instruct";

/** Asks a node to count a prompt, as the edge does, with these claims under these keys. */
async function postCall(node: { id: string; url: string }, keys: NodeKeys, over: Partial<HopClaims> = {}) {
  const claims = hopClaims({ node: node.id, model, bodySha256: digestBody(body), ...over });
  return post(`${node.url}/tokenize`, makeHop(claims, keys.hop));
}

async function post(url: string, token: string): Promise<number> {
  return (await fetch(url, { method: "POST", body, headers: { authorization: `Bearer ${token}` } })).status;
}

/** The state that is reported is never the node's: the boot is older than its own, so it is taken and forgotten. */
async function postHeartbeat(node: string, keys: NodeKeys): Promise<number> {
  const text = JSON.stringify(heartbeatOf(node));
  const headers = { authorization: authorizeNode(node, text, Date.now(), keys) };
  return (await fetch(`${edge.url}/origin/heartbeat`, { method: "POST", body: text, headers })).status;
}

test("a stolen node's keys open that node alone, and speak for it alone", async () => {
  const [victim, thief] = own.stack.nodes;
  if (!victim || !thief) throw new Error("the stack has two nodes");
  const masters = { n2 };
  const [stolen, theirs] = [nodeKeysOf(thief.id, masters), nodeKeysOf(victim.id, masters)];
  expect(await postCall(thief, stolen)).toBe(200);
  expect(await postCall(victim, stolen)).toBe(401);
  expect(await postCall(victim, stolen, { node: thief.id })).toBe(401);
  expect(await postHeartbeat(victim.id, stolen)).toBe(401);
  // Its own keys of the other direction make nothing that the edge takes, nor that an agent does.
  expect(await postHeartbeat(thief.id, { hop: stolen.node, node: stolen.hop })).toBe(401);
  expect(await postCall(thief, { hop: stolen.node, node: stolen.hop })).toBe(401);
  // The true keys of the victim, which the thief has not, would open it: nothing else was wrong.
  expect(await postCall(victim, theirs)).toBe(200);
});

test("what the edge has signed is of no use again: replayed, for another body, another route, or later", async () => {
  const [node] = own.stack.nodes;
  if (!node) throw new Error("the stack has no node");
  const keys = nodeKeysOf(node.id, { n2 });
  sent.hops.length = 0;
  await (await own.world.chat(org.key, { max_tokens: 2 })).text();
  const seen = /Bearer (hop1:\S+)/.exec(sent.hops.join(""))?.[1] ?? "";
  expect(verifyHop(seen, keys.hop)).toMatchObject({ node: node.id, org: org.id, model });
  expect(await post(`${node.url}/v1/chat/completions`, seen)).toBe(401);
  const once = { ...onceClaims(), node: node.id, bodySha256: digestBody(body) };
  expect(await post(`${node.url}/tokenize`, makeOrder({ ...once, order: "drain" }, keys.hop))).toBe(401);
  expect(await post(`${node.url}/drain`, makeHop(hopClaims({ ...once, model }), keys.hop))).toBe(401);
  const jti = "J".repeat(22);
  expect([await postCall(node, keys, { jti }), await postCall(node, keys, { jti })]).toEqual([200, 401]);
  expect(await postCall(node, keys, { bodySha256: digestBody("{}") })).toBe(401);
  expect(await postCall(node, keys, { issuedAtMs: Date.now() - 91_000 })).toBe(401);
});
