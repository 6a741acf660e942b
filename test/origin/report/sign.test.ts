import { describe, expect, test } from "vitest";
import { digestBody } from "#edge/agreements/digest.ts";
import { verifyNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { openSigner, postSigned } from "#origin/report/sign.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";
import { nodeKeysOf } from "#test/support/fakes/node-keys.ts";

test("what a node signs is for one body, of now, under the first of its own keys", () => {
  const masters = { n2: secretOf(2), n1: secretOf(1) };
  const token = openSigner("node_a", nodeKeysOf("node_a", masters).node, () => 1_000_500)("body");
  const { n2, n1 } = { n2: nodeKeysOf("node_a", { n2: masters.n2 }), n1: nodeKeysOf("node_a", { n1: masters.n1 }) };
  expect(verifyNodeToken(token, n2.node)).toEqual({
    node: "node_a",
    issuedAtMs: 1_000_500,
    bodySha256: digestBody("body"),
  });
  expect([verifyNodeToken(token, n1.node), verifyNodeToken(token, n2.hop)]).toEqual([null, null]);
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
