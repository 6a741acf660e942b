import { createHash, createSecretKey, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { request as httpRequest, type IncomingMessage, type ClientRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Heartbeat } from "#edge/agreements/records/node.ts";
import type { UsageBatch, UsageRecord } from "#edge/agreements/records/usage.ts";
import { makeHop, type HopClaims } from "#edge/agreements/tokens/hop.ts";
import { deriveNodeKeys, openNodeKeys, type NodeKeys, type NodeKeyTexts } from "#edge/agreements/tokens/node-keys.ts";
import { verifyNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { checkConfig, startAgent, type Agent, type AgentConfig, type ConfigInput } from "#origin/agent.ts";

/** An edge that takes heartbeats and usage, checks their signatures, and can be told to fail. */
export interface FakeEdge {
  url: string;
  records: UsageRecord[];
  batches: number[];
  heartbeats: Heartbeat[];
  badTokens: number;
  /** Status for the next usage batch; 200 by default. */
  answer: (batch: UsageBatch) => number;
  finals(): UsageRecord[];
  close(): Promise<void>;
}

/** What an agent and its edge share: the keys of `node_test`, as in the config and opened. */
export interface Keys extends NodeKeys {
  texts: NodeKeyTexts;
}

export function makeKeys(kid = "k1", node = "node_test"): Keys {
  const texts = deriveNodeKeys({ [kid]: randomBytes(32).toString("base64url") }, node);
  return { ...openNodeKeys(texts), texts };
}

export async function startFakeEdge(keys: Keys): Promise<FakeEdge> {
  const edge: FakeEdge = {
    url: "",
    records: [],
    batches: [],
    heartbeats: [],
    badTokens: 0,
    answer: () => 200,
    finals: () => edge.records.filter((record) => record.isFinal),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    void (async () => {
      const body = await new Response(request as unknown as ReadableStream).text();
      const token = (request.headers.authorization ?? "").slice("Bearer ".length);
      const isGood = verifyNodeToken(token, keys.node)?.bodySha256 === sha256(body);
      if (!isGood) edge.badTokens++;
      if (request.url === "/origin/heartbeat") edge.heartbeats.push(JSON.parse(body));
      let status = isGood ? 200 : 401;
      let receipt = "";
      if (request.url === "/origin/usage" && isGood) {
        const batch: UsageBatch = JSON.parse(body);
        status = edge.answer(batch);
        edge.batches.push(batch.records.length);
        if (status === 200) {
          edge.records.push(...batch.records);
          receipt = JSON.stringify({ settled: batch.records.length });
        }
      }
      response.writeHead(status).end(receipt);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  edge.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return edge;
}

export function sha256(body: string | Uint8Array): string {
  return createHash("sha256").update(body).digest("base64url");
}

export const saltSecret = Buffer.alloc(32, 7).toString("base64url");
export const saltKey = createSecretKey(saltSecret, "base64url");
export const org = "org_0123456789";

export function newHold(): string {
  return `hold_${randomUUID().replaceAll("-", "").slice(0, 22)}`;
}

/** A final usage record, as an agent keeps it. */
export function buildRecord(over: Partial<UsageRecord> = {}): UsageRecord {
  return {
    hold: newHold(),
    org,
    model: "m",
    isFinal: true,
    promptTokens: 1,
    cachedTokens: 0,
    completionTokens: 2,
    units: 0,
    outcome: "completed",
    responseId: null,
    startedAtMs: 1,
    firstTokenAtMs: null,
    endedAtMs: 2,
    ...over,
  };
}

/** What a fresh hop token says, but for the body that it is for. */
export function hopClaims(over: Partial<HopClaims> = {}): HopClaims {
  return {
    ...onceClaims(),
    org,
    hold: newHold(),
    attempt: 1,
    endpoint: "chat.completions",
    model: "public",
    tier: "shared",
    tokensHeld: 10_000,
    completionTokensMax: 1_000,
    isDefaultMax: false,
    deadlineMs: Date.now() + 60_000,
    ...over,
  };
}

/** What each fresh token of the edge's says, for an empty body. */
export function onceClaims() {
  const jti = randomUUID().replaceAll("-", "").slice(0, 22);
  return { node: "node_test", jti, issuedAtMs: Date.now(), bodySha256: sha256("") };
}

export interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  text: string;
  /** The socket was cut before the body ended. */
  isCut: boolean;
}

export interface Setup {
  agent: Agent;
  edge: FakeEdge;
  keys: Keys;
  config: AgentConfig;
  stateDir: string;
  logs: string[];
  /** A signed call; `claims` and `body` over the defaults. */
  call(body?: Record<string, unknown>, claims?: Partial<HopClaims>, path?: string): Promise<Answer>;
  /** The same, left to the test: request and hold. */
  open(
    body?: Record<string, unknown>,
    claims?: Partial<HopClaims>,
    path?: string,
  ): Promise<{ request: ClientRequest; answer: Promise<IncomingMessage>; hold: string }>;
  stop(): Promise<void>;
}

export function configFor(
  keys: Keys,
  edgeUrl: string,
  engineUrl: string,
  stateDir: string,
  over: Partial<ConfigInput> = {},
): ConfigInput {
  return {
    node: "node_test",
    port: 0,
    edgeUrl,
    nodeKeys: keys.texts,
    cacheSaltSecret: saltSecret,
    engines: [{ kind: "vllm", url: engineUrl, models: { public: "engine/name" } }],
    stateDir,
    ...over,
    limits: { drainMsMax: 0, pollMs: 50, ...over.limits },
  };
}

/** An agent in this process in front of an engine, with an edge to report to. */
export async function setUp(engineUrl: string, over: Partial<ConfigInput> = {}): Promise<Setup> {
  const keys = makeKeys();
  const edge = await startFakeEdge(keys);
  const stateDir = mkdtempSync(join(tmpdir(), "agent-"));
  const config = checkConfig(configFor(keys, edge.url, engineUrl, stateDir, over));
  const logs: string[] = [];
  const agent = await startAgent(config, {
    log: (event, facts) => void logs.push(JSON.stringify({ event, ...facts })),
  });
  await agent.pollEngines();
  const open: Setup["open"] = async (body = {}, claims = {}, path = "/v1/chat/completions") => {
    const text = JSON.stringify({ model: "public", messages: [{ role: "user", content: "Hi" }], ...body });
    const full = hopClaims({ bodySha256: sha256(text), ...claims });
    const request = send(agent.url + path, text, makeHop(full, keys.hop));
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      request.on("response", resolve).on("error", reject),
    );
    answer.catch(() => {});
    return { request, answer, hold: full.hold };
  };
  return {
    agent,
    edge,
    keys,
    config,
    stateDir,
    logs,
    open,
    call: async (body, claims, path) => readAnswer(await (await open(body, claims, path)).answer),
    async stop() {
      await agent.stop(0);
      await edge.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export function send(
  url: string,
  body: string,
  token: string | null,
  headers: Record<string, string> = {},
): ClientRequest {
  const request = httpRequest(url, {
    method: "POST",
    agent: false,
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  request.end(body);
  return request;
}

export function readAnswer(answer: IncomingMessage): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const end = () =>
      resolve({
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        text: Buffer.concat(chunks).toString("utf8"),
        isCut: !answer.complete,
      });
    answer
      .on("data", (piece: Buffer) => void chunks.push(piece))
      .on("error", () => {})
      .on("close", end);
  });
}

/** The payloads of a stream; comments apart. */
export function eventsOf(text: string): string[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => block.slice(6));
}

export function textOfStream(text: string): string {
  return eventsOf(text)
    .filter((payload) => payload.startsWith("{") && !payload.startsWith('{"error"'))
    .flatMap((payload) => JSON.parse(payload).choices)
    .map((choice: { delta?: { content?: string }; text?: string }) => choice.delta?.content ?? choice.text ?? "")
    .join("");
}

export async function until(isTrue: () => boolean, msMax = 5_000): Promise<void> {
  const untilMs = performance.now() + msMax;
  while (!isTrue()) {
    if (performance.now() > untilMs) throw new Error("it did not come true in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
