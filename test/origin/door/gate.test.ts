import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeHop, makeOrder, type HopClaims } from "#edge/agreements/tokens/hop.ts";
import type { NodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { makeNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { hopBodyBytesMax } from "#edge/limits.ts";
import { answerJson, startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import {
  hopClaims,
  makeKeys,
  onceClaims,
  readAnswer,
  send,
  setUp,
  sha256,
  until,
  type Answer,
  type Setup,
} from "#test/support/fakes/origin.ts";

let engine: FakeEngine;
let setup: Setup;
const body = JSON.stringify({ model: "public", messages: [{ role: "user", content: "Hi" }] });

beforeAll(async () => {
  engine = await startFakeEngine();
  engine.script = (response) =>
    answerJson(response, 200, {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    });
  setup = await setUp(engine.url);
});
afterAll(async () => {
  await setup.stop();
  await engine.close();
});

const claims = (over: Partial<HopClaims> = {}) => hopClaims({ bodySha256: sha256(body), ...over });
/** A token as the edge makes it, for these claims over a fresh call's. */
const tokenOf = (over: Partial<HopClaims> = {}, keys: NodeKeys = setup.keys) => makeHop(claims(over), keys.hop);

async function post(
  token: string | null,
  text = body,
  path = "/v1/chat/completions",
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request = send(setup.agent.url + path, text, token, headers);
  return new Promise((resolve, reject) => {
    request.on("response", (answer) => void readAnswer(answer).then(resolve)).on("error", reject);
  });
}

/** The same keys by another name. */
function renameKid({ hop, node }: NodeKeys, kid: string): NodeKeys {
  const rename = (keys: NodeKeys["hop"]) => new Map(Array.from(keys.values(), (key) => [kid, key] as const));
  return { hop: rename(hop), node: rename(node) };
}

describe("the gate", () => {
  test("lets a fresh token of the edge's through", async () => {
    expect((await post(tokenOf())).status).toBe(200);
  });

  const forgeries: [string, () => string | null][] = [
    ["no token", () => null],
    ["rubbish", () => "a.b.c"],
    ["colons alone", () => ":".repeat(20)],
    ["another node's token, under its own keys", () => tokenOf({ node: "node_other" }, makeKeys("k1", "node_other"))],
    ["a token that names another node", () => tokenOf({ node: "node_other" })],
    ["an expired token", () => tokenOf({ issuedAtMs: Date.now() - 90_000 })],
    ["a token from the future", () => tokenOf({ issuedAtMs: Date.now() + 60_000 })],
    ["a token of no time", () => tokenOf({ issuedAtMs: Number.NaN })],
    ["another body", () => tokenOf({ bodySha256: sha256(`${body} `) })],
    ["another edge's key", () => tokenOf({}, makeKeys())],
    ["the right key under an unknown kid", () => tokenOf({}, renameKid(setup.keys, "k2"))],
    ["the node's own key of the other direction", () => makeHop(claims(), setup.keys.node)],
    ["what the node itself signs", () => makeNodeToken({ ...onceClaims(), bodySha256: sha256(body) }, setup.keys.node)],
    ["an order", () => makeOrder({ ...onceClaims(), bodySha256: sha256(body), order: "drain" }, setup.keys.hop)],
    ["a token without its MAC", () => tokenOf().slice(0, -44)],
    ["an empty MAC", () => tokenOf().slice(0, -43)],
    ["a token whose tier was changed", () => tokenOf().replace("shared", "complex")],
    ["a hold that is none", () => tokenOf({ hold: "hold_1" })],
    ["a token for another endpoint", () => tokenOf({ endpoint: "embeddings" })],
    ["a negative bound", () => tokenOf({ completionTokensMax: -1 })],
  ];
  test.each(forgeries)("answers 401 to %s, in our envelope, and asks no engine", async (_, forge) => {
    engine.calls = [];
    const { status, text } = await post(forge());
    expect(status).toBe(401);
    expect(JSON.parse(text)).toMatchObject({
      error: { type: "authentication_error", code: "invalid_api_key", param: null },
    });
    expect(engine.calls).toHaveLength(0);
  });

  test("takes clocks that are 30 s apart", async () => {
    for (const driftMs of [-85_000, 25_000]) {
      const token = tokenOf({ issuedAtMs: Date.now() + driftMs });
      expect((await post(token)).status).toBe(200);
    }
  });

  test("takes each token once, also when both come at the same time", async () => {
    const token = tokenOf();
    const statuses = (await Promise.all([post(token), post(token), post(token)])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 401, 401]);
  });

  test("refuses a body over 4 MiB before it is read whole", async () => {
    const big = "x".repeat(hopBodyBytesMax + 1);
    const { status, text } = await post(tokenOf({ bodySha256: sha256(big) }), big);
    expect([status, JSON.parse(text).error.code]).toEqual([413, "request_too_large"]);
  });

  test("a client that leaves in the middle of its body is logged as that, and is not refused", async () => {
    const token = tokenOf();
    const id = "req_0123456789012345678901";
    const { hostname, port } = new URL(setup.agent.url);
    const from = setup.logs.length;
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n` +
        `x-request-id: ${id}\r\ncontent-length: 500\r\n\r\n{"model"`,
    );
    await until(() => socket.bytesWritten > 0);
    await new Promise((done) => setTimeout(done, 100));
    socket.destroy();
    await until(() => setup.logs.length > from);
    expect(setup.logs.slice(from).map((line) => JSON.parse(line))).toMatchObject([
      { event: "caller_left", request: id, phase: "body", ms: expect.any(Number) },
    ]);
  });

  test("a client that stops in the middle of its body leaves nothing behind", async () => {
    const request = send(`${setup.agent.url}/v1/chat/completions`, "", null);
    request.on("error", () => {});
    request.destroy();
    expect((await post(tokenOf())).status).toBe(200);
  });

  test("counts what it turned away", async () => {
    await until(() => setup.logs.some((line) => line.includes("replayed")));
    const page = await (await fetch(`${setup.agent.url}/metrics`)).text();
    expect(page).toMatch(/penstock_agent_auth_failures_total [1-9]/);
    expect(setup.logs.join("\n")).not.toContain("Hi");
  });
});
