import { decodeJwt, SignJWT } from "jose";
import { expect, test } from "vitest";
import { buildErrorBody } from "#edge/errors.ts";
import { mintClientToken, readClientToken } from "#edge/identity/client-token.ts";
import { tokenKeyOf } from "#test/support/fakes/keyring.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const tokenKey = await tokenKeyOf();
const credential = { org: "org_abcdefghij", key: "key_abcdefghijKLMNOP", digests: [], ip: null };
const mint = (body: unknown, by = credential) =>
  mintClientToken(visitOf(posted(body)), by, tokenKey, ({ endpoints = null, models = null }) => ({
    endpoints,
    models: models && models.map((name) => `id of ${name}`),
  }));
const read = (token: string, atMs = startedAtMs, key = tokenKey) => readClientToken(token, key, atMs);

test("what is minted is read back: whose key it stands for and how it is narrowed, models by their ids", async () => {
  const { token, expires_at } = await mint({ expires_in: 60, models: ["chat"], endpoints: ["embeddings"] });
  expect(expires_at).toBe(startedAtMs / 1_000 + 60);
  expect(await read(token)).toEqual({
    org: credential.org,
    key: credential.key,
    token: { endpoints: ["embeddings"], models: ["id of chat"] },
  });
  expect(await read((await mint({})).token)).toMatchObject({ token: { endpoints: null, models: null } });
});

test("the answer has its type and end; the token is for no node's audience, for ten minutes by default", async () => {
  const answer = await mint({ endpoints: ["embeddings", "completions"] });
  const now = startedAtMs / 1_000;
  expect(answer).toEqual({ object: "client_token", token: expect.any(String), expires_at: now + 600 });
  expect(decodeJwt(answer.token)).toEqual({
    iss: "penstock-edge",
    aud: "penstock-client",
    sub: credential.key,
    org: credential.org,
    endpoints: ["embeddings", "completions"],
    models: null,
    iat: now,
    exp: now + 600,
    jti: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
  });
});

test("it is read until its time is up, and not a second longer", async () => {
  const { token } = await mint({ expires_in: 10 });
  expect(await read(token, startedAtMs + 9_000)).not.toBeNull();
  expect(await read(token, startedAtMs + 10_000)).toBeNull();
});

test("a token that is altered, signed by another, for another audience, or no token at all, is none", async () => {
  const { token } = await mint({});
  const hop = new SignJWT({ org: credential.org, endpoints: null, models: null }).setProtectedHeader({
    alg: "EdDSA",
    kid: "h1",
  });
  const forNode = await hop
    .setIssuer("penstock-edge")
    .setAudience("node_a")
    .setSubject(credential.key)
    .setExpirationTime(startedAtMs / 1_000 + 60)
    .sign(tokenKey.privateKey);
  const [head, , tail] = token.split(".");
  const more = {
    iss: "penstock-edge",
    aud: "penstock-client",
    sub: credential.key,
    org: credential.org,
    endpoints: null,
    models: null,
    exp: 9e9,
  };
  const richer = `${head}.${Buffer.from(JSON.stringify(more)).toString("base64url")}.${tail}`;
  const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${token.split(".")[1]}.`;
  for (const text of [forNode, richer, none, "ey", "eyJ.a.b", `${token}x`]) expect(await read(text)).toBeNull();
  expect(await read(token, startedAtMs, await tokenKeyOf())).toBeNull();
});

test("what a token may not have is refused by name, and a token makes no token", async () => {
  for (const [body, param] of [
    [{ expires_in: 3_601 }, "expires_in"],
    [{ expires_in: 0 }, "expires_in"],
    [{ endpoints: ["root"] }, "endpoints[0]"],
    [{ endpoints: [] }, "endpoints"],
    [{ models: [] }, "models"],
  ] as const) {
    expect((await refusedBy(() => mint(body))).details.param).toBe(param);
  }
  expect((await refusedBy(() => mint({ org: "org_other00000" }))).code).toBe("invalid_value");
  const byToken = { ...credential, token: { endpoints: null, models: null } };
  const refusal = await refusedBy(() => mint({}, byToken));
  expect([refusal.code, buildErrorBody(refusal).error.message]).toEqual([
    "insufficient_permissions",
    "A client token cannot make another.",
  ]);
});
