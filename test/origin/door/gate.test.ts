import { connect } from "node:net";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyBytesMax } from "#edge/limits.ts";
import { answerJson, startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import {
  hopClaims,
  makeKeys,
  newHold,
  readAnswer,
  send,
  setUp,
  sha256,
  sign,
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
const toBase64url = (text: string) => Buffer.from(text).toString("base64url");

const claims = (over: Record<string, unknown> = {}) => hopClaims({ bodySha256: sha256(body), ...over });
const now = () => Math.floor(Date.now() / 1_000);

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

describe("the gate", () => {
  test("lets a fresh token of the edge's through", async () => {
    expect((await post(await sign(claims(), setup.keys.hopPrivate))).status).toBe(200);
  });

  const forgeries: [string, () => Promise<string | null>][] = [
    ["no token", async () => null],
    ["rubbish", async () => "a.b.c"],
    ["another node's token", () => sign(claims({ aud: "node_other" }), setup.keys.hopPrivate)],
    ["another issuer", () => sign(claims({ iss: "penstock-edgy" }), setup.keys.hopPrivate)],
    ["an expired token", () => sign(claims({ iat: now() - 120, exp: now() - 60 }), setup.keys.hopPrivate)],
    ["a token from the future", () => sign(claims({ iat: now() + 60, exp: now() + 120 }), setup.keys.hopPrivate)],
    ["a token that lives for an hour", () => sign(claims({ exp: now() + 3_600 }), setup.keys.hopPrivate)],
    ["a token without an end", () => sign(claims({ exp: undefined }), setup.keys.hopPrivate)],
    ["another body", () => sign(claims({ bodySha256: sha256(`${body} `) }), setup.keys.hopPrivate)],
    ["another key", async () => sign(claims(), (await makeKeys()).hopPrivate)],
    ["an unknown kid", () => sign(claims(), setup.keys.hopPrivate, "k2")],
    ["no kid", () => new SignJWT(claims()).setProtectedHeader({ alg: "EdDSA" }).sign(setup.keys.hopPrivate)],
    ["no signature", async () => new UnsecuredJWT(claims()).encode()],
    [
      "alg none with a kid",
      async () => `${toBase64url('{"alg":"none","kid":"k1"}')}.${toBase64url(JSON.stringify(claims()))}.AAAA`,
    ],
    [
      "HMAC by the public key",
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(Buffer.from(setup.keys.hopPublic.x ?? "", "base64url")),
    ],
    ["a hold that is none", () => sign(claims({ hold: "hold_1" }), setup.keys.hopPrivate)],
    ["a token for another endpoint", () => sign(claims({ endpoint: "embeddings" }), setup.keys.hopPrivate)],
    ["a negative bound", () => sign(claims({ completionTokensMax: -1 }), setup.keys.hopPrivate)],
  ];
  test.each(forgeries)("answers 401 to %s, in our envelope, and asks no engine", async (_, forge) => {
    engine.calls = [];
    const { status, text } = await post(await forge());
    expect(status).toBe(401);
    expect(JSON.parse(text)).toMatchObject({
      error: { type: "authentication_error", code: "invalid_api_key", param: null },
    });
    expect(engine.calls).toHaveLength(0);
  });

  test("takes clocks that are 30 s apart", async () => {
    for (const drift of [-85, 25]) {
      const token = await sign(claims({ iat: now() + drift, exp: now() + drift + 60 }), setup.keys.hopPrivate);
      expect((await post(token)).status).toBe(200);
    }
  });

  test("takes each token once, also when both come at the same time", async () => {
    const token = await sign(claims(), setup.keys.hopPrivate);
    const statuses = (await Promise.all([post(token), post(token), post(token)])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 401, 401]);
  });

  test("refuses a body over 4 MiB before it is read whole", async () => {
    const big = "x".repeat(bodyBytesMax + 1);
    const { status, text } = await post(await sign(claims({ bodySha256: sha256(big) }), setup.keys.hopPrivate), big);
    expect([status, JSON.parse(text).error.code]).toEqual([413, "request_too_large"]);
  });

  test("a client that leaves in the middle of its body is logged as that, and is not refused", async () => {
    const token = await sign(claims({ hold: newHold() }), setup.keys.hopPrivate);
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
    expect((await post(await sign(claims({ hold: newHold() }), setup.keys.hopPrivate))).status).toBe(200);
  });

  test("counts what it turned away", async () => {
    await until(() => setup.logs.some((line) => line.includes("replayed")));
    const page = await (await fetch(`${setup.agent.url}/metrics`)).text();
    expect(page).toMatch(/penstock_agent_auth_failures_total [1-9]/);
    expect(setup.logs.join("\n")).not.toContain("Hi");
  });
});
