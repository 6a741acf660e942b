import { generateKeyPairSync } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { digestBody } from "#edge/agreements/digest.ts";
import { NodeClaims } from "#edge/agreements/tokens/hop.ts";
import { openSigner, postSigned } from "#origin/report/sign.ts";

test("a node's token holds NodeClaims, for 60 s and for one body, under the node's own key", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const token = await openSigner("node_a", privateKey, () => 1_000_500)("body");
  const { payload } = await jwtVerify(token, publicKey, {
    currentDate: new Date(1_001_000),
    audience: "penstock-edge",
    issuer: "node_a",
  });
  expect(NodeClaims.parse(payload)).toMatchObject({ iat: 1_000, exp: 1_060, bodySha256: digestBody("body") });
  expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", kid: "node_a" });
});

test("no two tokens are alike, and a hash is base64url", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const sign = openSigner("node_a", privateKey, () => 0);
  expect(sign("x")).not.toBe(sign("x"));
  expect(digestBody("")).toBe("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
});

describe("a signed POST to the edge", () => {
  const seen: { url: string; init: RequestInit | undefined }[] = [];
  const post = (answer: () => Response) =>
    postSigned(
      {
        edgeUrl: "http://edge.test/base",
        sign: (body) => `token-for-${body}`,
        fetch: async (url, init) => (seen.push({ url: String(url), init }), answer()),
      },
      "/origin/usage",
      "{}",
      1_000,
    );

  test("carries a token for its own body, and follows nobody elsewhere", async () => {
    expect(await post(() => new Response("taken"))).toEqual({ status: 200, cause: null, json: null });
    expect(seen.at(-1)).toMatchObject({
      url: "http://edge.test/origin/usage",
      init: { method: "POST", body: "{}", redirect: "error", headers: { authorization: "Bearer token-for-{}" } },
    });
  });

  test("reports what the edge answered, or why it did not, and never rejects", async () => {
    expect(await post(() => new Response(null, { status: 503 }))).toEqual({
      status: 503,
      cause: "status 503",
      json: null,
    });
    expect(await post(() => Response.json({ error: { unacknowledged: ["hold_1"] } }, { status: 503 }))).toMatchObject({
      status: 503,
      json: { error: { unacknowledged: ["hold_1"] } },
    });
    const gone = () => {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) });
    };
    expect(await post(gone)).toEqual({ status: null, cause: "ECONNREFUSED", json: null });
    expect(await postSigned({ edgeUrl: "no url", sign: () => "" }, "/x", "{}", 1_000)).toEqual({
      status: null,
      cause: "ERR_INVALID_URL",
      json: null,
    });
  });
});
