import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { digestBody } from "#edge/agreements/digest.ts";
import type { NodeRecord } from "#edge/agreements/records/node.ts";
import { Unacknowledged, type UsageRecord } from "#edge/agreements/records/usage.ts";
import { buildErrorBody, buildErrorHeaders } from "#edge/errors.ts";
import { usageBatchMax, usageBodyBytesMax } from "#edge/limits.ts";
import { takeHeartbeat, takeUsage as takeUsageWith } from "#edge/settlement/index.ts";
import type { Settler } from "#edge/settlement/port.ts";
import { makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import type { Visit } from "#edge/visit.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

let keys: Record<"a" | "b" | "stranger", CryptoKey>;
let nodes: NodeRecord[];
beforeAll(async () => {
  const pair = async () => generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const [a, b, stranger] = [await pair(), await pair(), await pair()];
  keys = { a: a.privateKey, b: b.privateKey, stranger: stranger.privateKey };
  nodes = [
    nodeOf("a", { publicKey: String((await exportJWK(a.publicKey)).x) }),
    nodeOf("b", { publicKey: String((await exportJWK(b.publicKey)).x) }),
  ];
});

/** Without a look at tickets, which tickets.test.ts has. */
const takeUsage = (visit: Visit, known: readonly NodeRecord[], settler: Settler) =>
  takeUsageWith(visit, known, settler, { verify: () => true });

interface Signing {
  by?: keyof typeof keys;
  claims?: Record<string, unknown>;
  of?: string;
  without?: string[];
}

/** A request as an agent signs it: for this body, by this node, now; each of that can be made false. */
async function signed(body: unknown, { by = "a", claims = {}, of, without = [] }: Signing = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const now = startedAtMs / 1_000;
  const all: Record<string, unknown> = {
    iss: "node_a",
    aud: "penstock-edge",
    jti: "j".repeat(22),
    iat: now,
    exp: now + 60,
    bodySha256: await digestBody(new TextEncoder().encode(of ?? text)),
    ...claims,
  };
  for (const name of without) delete all[name];
  const token = await new SignJWT(all).setProtectedHeader({ alg: "EdDSA" }).sign(keys[by]);
  return visitOf(posted(text, { authorization: `Bearer ${token}` }));
}

const holdOf = (at: number) => `hold_${String(at).padStart(22, "0")}`;
const recordOf = (at: number, org = "org_0000000001", over: Partial<UsageRecord> = {}) =>
  makeRecord(org, holdOf(at), over);

/** A ledger that settles everything and remembers what it was asked; or is out of reach for some orgs. */
function settlerOf(isDown: (org: string) => boolean = () => false) {
  const calls: [string, string[]][][] = [];
  const settler: Settler = {
    async settleAll(batches) {
      calls.push(batches.map(({ org, records }) => [org, records.map(({ hold }) => hold)]));
      return batches.map(({ org, records }) => {
        if (isDown(org)) return { status: "rejected", reason: new Error("CANARY out of reach") };
        return {
          status: "fulfilled",
          value: records.map(({ isFinal }) => ({ result: isFinal ? "settled" : "checkpointed" })),
        };
      });
    },
  };
  return { settler, calls };
}

describe("a batch of usage", () => {
  test("is settled in one call, org by org, records in their order, and counted by result", async () => {
    const records = [
      recordOf(1, "org_0000000001"),
      recordOf(2, "org_0000000002"),
      recordOf(3, "org_0000000001", { isFinal: false }),
      recordOf(4, "org_0000000002"),
      recordOf(3, "org_0000000001"),
    ];
    const { settler, calls } = settlerOf();
    expect(await takeUsage(await signed({ node: "node_a", records }), nodes, settler)).toEqual({
      settled: 4,
      checkpointed: 1,
    });
    expect(calls).toEqual([
      [
        ["org_0000000001", [holdOf(1), holdOf(3), holdOf(3)]],
        ["org_0000000002", [holdOf(2), holdOf(4)]],
      ],
    ]);
  });

  test("tells the log of a prompt that was longer than its hold, with whose it was and what was counted", async () => {
    const settler: Settler = {
      settleAll: async (batches) =>
        batches.map(({ records }) => ({
          status: "fulfilled",
          value: records.map(({ promptTokens }) => ({ result: promptTokens > 5 ? "over_hold" : "settled" })),
        })),
    };
    const records = [
      recordOf(1, "org_0000000001", { promptTokens: 5 }),
      recordOf(2, "org_0000000002", { promptTokens: 77 }),
      recordOf(3, "org_0000000001", { promptTokens: 6 }),
    ];
    const visit = await signed({ node: "node_a", records });
    const logged: unknown[] = [];
    visit.log = (event, facts) => void logged.push([event, facts]);
    expect(await takeUsage(visit, nodes, settler)).toEqual({ settled: 1, over_hold: 2 });
    const { model } = records[0]!;
    expect(logged).toEqual([
      ["prompt_over_hold", { org: "org_0000000001", model, hold: holdOf(3), counted: 6 }],
      ["prompt_over_hold", { org: "org_0000000002", model, hold: holdOf(2), counted: 77 }],
    ]);
  });

  test("may hold 64 records, and no more", async () => {
    const batch = (count: number) => ({
      node: "node_a",
      records: Array.from({ length: count }, (_, at) => recordOf(at)),
    });
    expect(await takeUsage(await signed(batch(usageBatchMax)), nodes, settlerOf().settler)).toEqual({ settled: 64 });
    await expectRefusal(async () => takeUsage(await signed(batch(65)), nodes, settlerOf().settler), "invalid_value");
    await expectRefusal(async () => takeUsage(await signed(batch(0)), nodes, settlerOf().settler), "invalid_value");
  });

  test("is refused with 503 if a ledger is out of reach; each hold to send again is named once", async () => {
    const records = [
      recordOf(1, "org_0000000001"),
      recordOf(2, "org_0000000002", { isFinal: false }),
      recordOf(3, "org_0000000003"),
      recordOf(2, "org_0000000002"),
      recordOf(4, "org_0000000002"),
    ];
    const { settler, calls } = settlerOf((org) => org.endsWith("2"));
    const refusal = await expectRefusal(
      async () => takeUsage(await signed({ node: "node_a", records }), nodes, settler),
      "quota_unavailable",
    );
    expect(refusal.status).toBe(503);
    expect(buildErrorHeaders(refusal)["retry-after"]).toBe("1");
    expect(Unacknowledged.parse(buildErrorBody(refusal).error)).toEqual({ unacknowledged: [holdOf(2), holdOf(4)] });
    expect(JSON.stringify(buildErrorBody(refusal))).not.toContain("CANARY");
    expect(calls[0]?.map(([org]) => org)).toEqual(["org_0000000001", "org_0000000002", "org_0000000003"]);
  });

  test("names every hold when no ledger is in reach", async () => {
    const records = [recordOf(1, "org_0000000001"), recordOf(2, "org_0000000002")];
    const refusal = await expectRefusal(
      async () => takeUsage(await signed({ node: "node_a", records }), nodes, settlerOf(() => true).settler),
      "quota_unavailable",
    );
    expect(Unacknowledged.parse(buildErrorBody(refusal).error)).toEqual({ unacknowledged: [holdOf(1), holdOf(2)] });
  });

  test("of another node is refused, though signed well: a node speaks for itself", async () => {
    await expectRefusal(
      async () => takeUsage(await signed({ node: "node_b", records: [recordOf(1)] }), nodes, settlerOf().settler),
      "invalid_value",
    );
  });

  const hostile: [string, Record<string, unknown>][] = [
    ...["promptTokens", "cachedTokens", "completionTokens"].flatMap((name) =>
      [-1, 1.5, "1e3", "7", null, 1_000_000_001, 2 ** 53, true].map((value): [string, Record<string, unknown>] => [
        `${name} ${JSON.stringify(value)}`,
        { [name]: value },
      ]),
    ),
    ["an unknown outcome", { outcome: "fine" }],
    ["a hold of another form", { hold: "hold_1" }],
    ["an org of another form", { org: "org_1" }],
    ["a member more", { costMicros: 1 }],
    ["isFinal in words", { isFinal: "true" }],
    ["a response id without end", { responseId: "x".repeat(129) }],
    ["a time with a fraction", { endedAtMs: 1.5 }],
  ];
  for (const [name, over] of hostile) {
    test(`with ${name} settles nothing, not even its good records`, async () => {
      const { settler, calls } = settlerOf();
      await expectRefusal(
        async () =>
          takeUsage(
            await signed({ node: "node_a", records: [recordOf(1), { ...recordOf(2), ...over }] }),
            nodes,
            settler,
          ),
        "invalid_value",
      );
      expect(calls).toEqual([]);
    });
  }

  for (const [name, text] of [
    ["no JSON", "{"],
    ["nothing", ""],
    ["NaN", '{"node":NaN}'],
  ] as const) {
    test(`of ${name} is refused as JSON`, async () =>
      void (await expectRefusal(
        async () => takeUsage(await signed(text), nodes, settlerOf().settler),
        "invalid_json",
      )));
  }

  test("larger than 256 KiB is refused", async () => {
    const visit = await signed("x".repeat(usageBodyBytesMax + 1));
    await expectRefusal(() => takeUsage(visit, nodes, settlerOf().settler), "request_too_large");
  });

  test("that no node of ours has signed is not read at all", async () => {
    const visit = await signed("x".repeat(1_000), { by: "stranger" });
    await expectRefusal(() => takeUsage(visit, nodes, settlerOf().settler), "invalid_api_key");
    expect(visit.request.bodyUsed).toBe(false);
  });
});

describe("who may speak", () => {
  const body = { node: "node_a", records: [recordOf(1)] };
  const now = startedAtMs / 1_000;
  const table: [string, Signing][] = [
    ["signed by a stranger's key", { by: "stranger" }],
    ["signed by another node of ours", { by: "b" }],
    ["signed for another body", { of: "{}" }],
    ["by a node that we do not know", { by: "stranger", claims: { iss: "node_x" } }],
    ["by nobody", { without: ["iss"] }],
    ["for another audience", { claims: { aud: "node_b" } }],
    ["without an audience", { without: ["aud"] }],
    ["expired", { claims: { iat: now - 200, exp: now - 31 } }],
    ["older than a minute though made to last", { claims: { iat: now - 91, exp: now + 3_600 } }],
    ["of the future", { claims: { iat: now + 31, exp: now + 91 } }],
    ["without an expiry", { without: ["exp"] }],
    ["without a time", { without: ["iat"] }],
    ["without an id", { without: ["jti"] }],
    ["without a digest of the body", { without: ["bodySha256"] }],
    ["with a digest of another length", { claims: { bodySha256: "A" } }],
    ["with an issuer that is no text", { claims: { iss: ["node_a"] } }],
  ];
  for (const [name, signing] of table) {
    test(`${name}: 401, and nothing is settled`, async () => {
      const { settler, calls } = settlerOf();
      await expectRefusal(async () => takeUsage(await signed(body, signing), nodes, settler), "invalid_api_key");
      await expectRefusal(
        async () => takeHeartbeat(await signed(heartbeatOf("node_a"), signing), nodes),
        "invalid_api_key",
      );
      expect(calls).toEqual([]);
    });
  }

  test("a clock off by less than thirty seconds does no harm", async () => {
    for (const skew of [-85, -29, 0, 29]) {
      expect(
        await takeUsage(
          await signed(body, { claims: { iat: now + skew, exp: now + skew + 60 } }),
          nodes,
          settlerOf().settler,
        ),
      ).toEqual({ settled: 1 });
    }
  });

  test("each node of ours speaks with its own key, whatever its token says in base64url", async () => {
    const ofB = { node: "node_b", records: [recordOf(1)] };
    expect(
      await takeUsage(
        await signed(ofB, { by: "b", claims: { iss: "node_b", jti: "\u00fb\u00ff\u00fe?>~".repeat(9) } }),
        nodes,
        settlerOf().settler,
      ),
    ).toEqual({ settled: 1 });
  });

  test("a good token counts behind `Bearer ` only, and with nothing after it", async () => {
    const { request } = await signed(body);
    const good = request.headers.get("authorization") ?? expect.fail("unsigned");
    const shown = (authorization: string) =>
      takeUsage(visitOf(posted(body, { authorization })), nodes, settlerOf().settler);
    expect(await shown(good)).toEqual({ settled: 1 });
    for (const wrong of [`Token ${good}`, `${good} x`, good.slice("Bearer ".length)])
      await expectRefusal(() => shown(wrong), "invalid_api_key");
  });

  test("the reason for a refusal goes to our log, and to nobody else", async () => {
    const { settler } = settlerOf(() => true);
    const table: [string, () => Promise<unknown>][] = [
      [
        "token of no known node",
        async () => takeUsage(await signed(body, { claims: { iss: "node_x" } }), nodes, settler),
      ],
      [
        "token of node_a does not verify",
        async () => takeUsage(await signed(body, { by: "stranger" }), nodes, settler),
      ],
      ["node token is for another body", async () => takeUsage(await signed(body, { of: "{}" }), nodes, settler)],
      ["malformed usage batch", async () => takeUsage(await signed({}), nodes, settler)],
      ["malformed heartbeat", async () => takeHeartbeat(await signed({}), nodes)],
      ["out of reach while settling", async () => takeUsage(await signed(body), nodes, settler)],
    ];
    for (const [why, work] of table) {
      const refusal = await refusedBy(work);
      expect(refusal.message).toContain(why);
      expect(JSON.stringify([buildErrorBody(refusal), buildErrorHeaders(refusal)])).not.toContain(why);
    }
    const away = await refusedBy(async () => takeUsage(await signed(body), nodes, settler));
    expect(away.cause).toEqual(new Error("CANARY out of reach"));
  });

  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const forged: [string, string][] = [
    ["none", ""],
    ["no scheme", "x.y.z"],
    ["words", "Bearer x.y.z"],
    ["an empty token", "Bearer "],
    ["two tokens", "Bearer a b"],
    [
      "a token that names no algorithm",
      `Bearer ${part({ alg: "none" })}.${part({ iss: "node_a", aud: "penstock-edge", iat: now, exp: now + 60 })}.`,
    ],
    [
      "a token under a secret of text",
      `Bearer ${part({ alg: "HS256" })}.${part({ iss: "node_a", aud: "penstock-edge", iat: now, exp: now + 60 })}.AAAA`,
    ],
    ["a payload that is no object", `Bearer ${part({ alg: "EdDSA" })}.${part(null)}.AAAA`],
    ["a payload of a list", `Bearer ${part({ alg: "EdDSA" })}.${part(["node_a"])}.AAAA`],
    ["an inference key", `Bearer sk-pen-${"0".repeat(16)}-${"0".repeat(47)}`],
  ];
  for (const [name, authorization] of forged) {
    test(`${name} in the header: 401`, async () => {
      await expectRefusal(
        () => takeUsage(visitOf(posted(body, authorization ? { authorization } : {})), nodes, settlerOf().settler),
        "invalid_api_key",
      );
    });
  }
});

describe("a heartbeat", () => {
  test("is handed on when a node speaks of itself", async () => {
    expect(await takeHeartbeat(await signed(heartbeatOf("node_a")), nodes)).toEqual(heartbeatOf("node_a"));
  });

  test("of another node, or of another shape, is refused", async () => {
    for (const body of [
      heartbeatOf("node_b"),
      { ...heartbeatOf("node_a"), state: "fine" },
      { ...heartbeatOf("node_a"), extra: 1 },
      {},
      [],
      null,
      { node: "node_a", records: [recordOf(1)] },
    ]) {
      await expectRefusal(async () => takeHeartbeat(await signed(body), nodes), "invalid_value");
    }
  });
});
