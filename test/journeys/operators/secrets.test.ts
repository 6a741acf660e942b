import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deriveNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

const canary = "canary-7f3a-prompt-never-kept";
let own: OwnStack;
let world: World;
let key: string;
/** What the edge has sent to the agents, as it stood on the wire. */
const seen: string[] = [];
const taps: FaultProxy[] = [];

beforeAll(async () => {
  own = await openOwnStack({
    via: async (url) => {
      const tap = await openFaultProxy(url, (bytes) => void seen.push(bytes.toString("latin1")));
      taps.push(tap);
      return tap.url;
    },
  });
  world = own.world;
  const org = await world.newOrg();
  key = org.key;
  const messages = [{ role: "user", content: canary }];
  await (await world.post("/v1/chat/completions", key, { model: "chat", messages, max_tokens: 4 })).text();
  await (
    await world.post("/v1/chat/completions", key, { model: "chat", messages, max_tokens: 4, stream: true })
  ).text();
  await (await world.post("/v1/completions", key, { model: "chat", prompt: canary })).text();
  await (await world.post("/v1/embeddings", key, { model: "embed", input: canary })).text();
  // Wrong input and broken engines must not spill it either.
  await (await world.post("/v1/chat/completions", key, { model: canary, messages })).text();
  await (await world.post("/v1/chat/completions", key, { model: "chat", messages, temperature: canary })).text();
  await (await world.post("/v1/chat/completions", key, `{"broken": "${canary}`)).text();
  await (await world.post(`/v1/${canary}`, key, {})).text();
  await world.fault({ kind: "error-event", afterChunks: 2, times: 1 }, 0);
  await (await world.post("/v1/chat/completions", key, { model: "chat", messages, stream: true })).text();
  await world.fault({ kind: "status", status: 500, times: 6 });
  await (await world.post("/v1/chat/completions", key, { model: "chat", messages })).text();
  await world.settled(org.id);
  await world.clearFaults();
});
afterAll(async () => {
  await own.close();
  await Promise.all(taps.map((tap) => tap.close()));
});

/** How a secret may hide: as it is, in base64 at any offset, percent-encoded. */
function shapesOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from("x".repeat(shift) + secret)
      .toString("base64")
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [secret, encodeURIComponent(secret), ...base64];
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

function findIn(text: Buffer, secret: string): boolean {
  const bodies = [text];
  if (text[0] === 0x1f && text[1] === 0x8b) bodies.push(gunzipSync(text));
  return bodies.some((body) => shapesOf(secret).some((shape) => body.includes(shape)));
}

test("a prompt is in no file and no log of any part of the stack", () => {
  const files = filesUnder(world.place.stateDir);
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => findIn(readFileSync(file), canary))).toEqual([]);
  expect(own.logs.length).toBeGreaterThan(5);
  expect(own.logs.filter((line) => findIn(Buffer.from(line), canary))).toEqual([]);
});

test("a caller's key is in no file and no log", () => {
  const secretPart = key.slice(-47);
  expect(filesUnder(world.place.stateDir).filter((file) => findIn(readFileSync(file), secretPart))).toEqual([]);
  expect(own.logs.filter((line) => line.includes(secretPart))).toEqual([]);
});

test("the search would find them: the admin key is where the dev stack puts it, and nowhere else", () => {
  const found = filesUnder(world.place.stateDir).filter((file) => findIn(readFileSync(file), world.place.adminKey));
  expect(found.map((file) => file.slice(world.place.stateDir.length + 1))).toEqual(["dev.json"]);
});

test("no header of the caller's reaches a node: no key, no cookie, no forwarding, no path of theirs", async () => {
  const org = await world.newOrg();
  const before = seen.length;
  const theirs = {
    cookie: "session=theirs",
    "x-forwarded-for": "203.0.113.9",
    "cf-ray": "theirs",
    traceparent: "theirs",
    "x-data-parallel-rank": "1",
    "x-theirs": "theirs",
    "proxy-authorization": "theirs",
  };
  await (await world.chat(org.key, { max_tokens: 2 }, theirs)).text();
  const request = seen.slice(before).find((text) => text.startsWith("POST /v1/chat/completions")) ?? "";
  const names = request
    .split("\r\n\r\n")[0]
    ?.split("\r\n")
    .slice(1)
    .map((line) => line.split(":")[0]?.toLowerCase())
    .sort();
  // `cf-worker` names the zone that a Worker's fetch comes from; the platform adds it.
  expect(names).toEqual(["authorization", "cf-worker", "content-length", "content-type", "host", "x-request-id"]);
  expect(request).not.toContain(org.key);
  expect(request).not.toContain("theirs");
  expect(request).toMatch(/authorization: Bearer hop1:/i);
});

test("what edge and nodes share is in no log: masters stand in secrets.json, a node's keys in its config", () => {
  const { nodeMasterKeys, tokenKey } = own.stack.secrets;
  const derived = own.stack.nodes.map(({ id }) => ({ id, keys: Object.values(deriveNodeKeys(nodeMasterKeys, id)) }));
  const place = (secret: string) =>
    filesUnder(world.place.stateDir)
      .filter((file) => findIn(readFileSync(file), secret))
      .map((file) => file.slice(world.place.stateDir.length + 1));
  for (const secret of [...Object.values(nodeMasterKeys), tokenKey.d]) expect(place(secret)).toEqual(["secrets.json"]);
  for (const { id, keys } of derived)
    for (const { hop, node } of keys) expect([place(hop), place(node)]).toEqual([[`${id}.json`], [`${id}.json`]]);
  const secrets = [
    Object.values(nodeMasterKeys),
    tokenKey.d,
    ...derived.flatMap(({ keys }) => keys.map(Object.values)),
  ];
  for (const secret of secrets.flat(2))
    expect(own.logs.filter((line) => findIn(Buffer.from(line), String(secret)))).toEqual([]);
});
