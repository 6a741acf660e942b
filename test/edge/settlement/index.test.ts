import { describe, expect, test } from "vitest";
import { digestBody } from "#edge/agreements/digest.ts";
import type { MacKeys } from "#edge/agreements/tokens/mac-token.ts";
import { openNodeKeyFinder, type FindNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { makeNodeToken, type NodeClaims } from "#edge/agreements/tokens/node-token.ts";
import { Unacknowledged, type UsageRecord } from "#edge/agreements/records/usage.ts";
import { buildErrorBody, buildErrorHeaders } from "#edge/errors.ts";
import { usageBatchMax, usageBodyBytesMax } from "#edge/limits.ts";
import { takeHeartbeat, takeUsage as takeUsageWith } from "#edge/settlement/index.ts";
import type { Settler } from "#edge/settlement/port.ts";
import { makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import type { Visit } from "#edge/visit.ts";
import { heartbeatOf } from "#test/support/fakes/fleet.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";
import { findKeysOf, masterKeys, nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const findKeys = findKeysOf("node_a", "node_b");
const strangersKeys = nodeKeysOf("node_a", { n1: secretOf(99) }).node;

/** Without a look at tickets, which tickets.test.ts has. */
const takeUsage = (visit: Visit, known: FindNodeKeys, settler: Settler) =>
  takeUsageWith(visit, known, settler, { verify: () => ({ leased: null }) });

interface Signing {
  /** Under these keys instead of the node's own. */
  under?: MacKeys;
  claims?: Partial<NodeClaims>;
  of?: string;
}

/** A request as an agent signs it: for this body, by this node, now; each of that can be made false. */
function signed(body: unknown, { under, claims = {}, of }: Signing = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const all = { node: "node_a", issuedAtMs: startedAtMs, bodySha256: digestBody(of ?? text), ...claims };
  const token = makeNodeToken(all, under ?? nodeKeysOf(all.node).node);
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
    expect(await takeUsage(signed({ node: "node_a", records }), findKeys, settler)).toEqual({
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
    const visit = signed({ node: "node_a", records });
    const logged: unknown[] = [];
    visit.log = (event, facts) => void logged.push([event, facts]);
    expect(await takeUsage(visit, findKeys, settler)).toEqual({ settled: 1, over_hold: 2 });
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
    expect(await takeUsage(signed(batch(usageBatchMax)), findKeys, settlerOf().settler)).toEqual({ settled: 64 });
    await expectRefusal(async () => takeUsage(signed(batch(65)), findKeys, settlerOf().settler), "invalid_value");
    await expectRefusal(async () => takeUsage(signed(batch(0)), findKeys, settlerOf().settler), "invalid_value");
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
      async () => takeUsage(signed({ node: "node_a", records }), findKeys, settler),
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
      async () => takeUsage(signed({ node: "node_a", records }), findKeys, settlerOf(() => true).settler),
      "quota_unavailable",
    );
    expect(Unacknowledged.parse(buildErrorBody(refusal).error)).toEqual({ unacknowledged: [holdOf(1), holdOf(2)] });
  });

  test("of another node is refused, though signed well: a node speaks for itself", async () => {
    await expectRefusal(
      async () => takeUsage(signed({ node: "node_b", records: [recordOf(1)] }), findKeys, settlerOf().settler),
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
          takeUsage(signed({ node: "node_a", records: [recordOf(1), { ...recordOf(2), ...over }] }), findKeys, settler),
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
      void (await expectRefusal(async () => takeUsage(signed(text), findKeys, settlerOf().settler), "invalid_json")));
  }

  test("larger than 256 KiB is refused", async () => {
    const visit = signed("x".repeat(usageBodyBytesMax + 1));
    await expectRefusal(() => takeUsage(visit, findKeys, settlerOf().settler), "request_too_large");
  });

  test("that no node of ours has signed is not read at all", async () => {
    const visit = signed("x".repeat(1_000), { under: strangersKeys });
    await expectRefusal(() => takeUsage(visit, findKeys, settlerOf().settler), "invalid_api_key");
    expect(visit.request.bodyUsed).toBe(false);
  });
});

describe("who may speak", () => {
  const body = { node: "node_a", records: [recordOf(1)] };
  const table: [string, Signing][] = [
    ["signed under a stranger's master", { under: strangersKeys }],
    ["signed by another node of ours", { under: nodeKeysOf("node_b").node }],
    ["signed under the key of the other direction", { under: nodeKeysOf("node_a").hop }],
    ["signed under a kid that is not live", { under: nodeKeysOf("node_a", { n0: masterKeys.n1 }).node }],
    ["signed for another body", { of: "{}" }],
    ["by a node that we do not know, under our own master", { claims: { node: "node_x" } }],
    ["by nobody", { claims: { node: "" }, under: nodeKeysOf("node_a").node }],
    ["by a node of no such form", { claims: { node: "a" }, under: nodeKeysOf("node_a").node }],
    ["a minute old, and as much as clocks may be apart", { claims: { issuedAtMs: startedAtMs - 90_000 } }],
    ["of the future", { claims: { issuedAtMs: startedAtMs + 30_001 } }],
    ["without a time", { claims: { issuedAtMs: Number.NaN } }],
    ["of a time that no number keeps", { claims: { issuedAtMs: 9_999_999_999_999_998 } }],
    ["with a digest of another length", { claims: { bodySha256: "A" } }],
  ];
  for (const [name, signing] of table) {
    test(`${name}: 401, and nothing is settled`, async () => {
      const { settler, calls } = settlerOf();
      await expectRefusal(async () => takeUsage(signed(body, signing), findKeys, settler), "invalid_api_key");
      await expectRefusal(
        async () => takeHeartbeat(signed(heartbeatOf("node_a"), signing), findKeys),
        "invalid_api_key",
      );
      expect(calls).toEqual([]);
    });
  }

  test("a clock off by less than thirty seconds does no harm", async () => {
    for (const skewMs of [-89_999, -29_000, 0, 30_000]) {
      expect(
        await takeUsage(signed(body, { claims: { issuedAtMs: startedAtMs + skewMs } }), findKeys, settlerOf().settler),
      ).toEqual({ settled: 1 });
    }
  });

  test("each node of ours speaks with its own key", async () => {
    const ofB = { node: "node_b", records: [recordOf(1)] };
    const visit = signed(ofB, { claims: { node: "node_b" } });
    expect(await takeUsage(visit, findKeys, settlerOf().settler)).toEqual({ settled: 1 });
  });

  test("while masters are rotated a node may speak under either, and no longer", async () => {
    const masters = { n2: secretOf(12), n1: masterKeys.n1 };
    const by = (kid: "n1" | "n2") => ({ under: nodeKeysOf("node_a", { [kid]: masters[kid] }).node });
    const settle = (signing: Signing, masterKeys: Record<string, string>) =>
      takeUsage(signed(body, signing), openNodeKeyFinder(masterKeys, ["node_a"]), settlerOf().settler);
    for (const kid of ["n1", "n2"] as const) expect(await settle(by(kid), masters)).toEqual({ settled: 1 });
    await expectRefusal(() => settle(by("n1"), { n2: masters.n2 }), "invalid_api_key");
  });

  test("a good token counts behind `Bearer ` only, and with nothing after it", async () => {
    const { request } = signed(body);
    const good = request.headers.get("authorization") ?? expect.fail("unsigned");
    const shown = (authorization: string) =>
      takeUsage(visitOf(posted(body, { authorization })), findKeys, settlerOf().settler);
    expect(await shown(good)).toEqual({ settled: 1 });
    for (const wrong of [`Token ${good}`, `${good} x`, good.slice("Bearer ".length)])
      await expectRefusal(() => shown(wrong), "invalid_api_key");
  });

  test("the reason for a refusal goes to our log, and to nobody else", async () => {
    const { settler } = settlerOf(() => true);
    const table: [string, () => Promise<unknown>][] = [
      [
        "token of no known node",
        async () => takeUsage(signed(body, { claims: { node: "node_x" } }), findKeys, settler),
      ],
      [
        "token of node_a does not verify",
        async () => takeUsage(signed(body, { under: strangersKeys }), findKeys, settler),
      ],
      [
        "token of node_a is not of this minute: expired",
        async () => takeUsage(signed(body, { claims: { issuedAtMs: 0 } }), findKeys, settler),
      ],
      ["node token is for another body", async () => takeUsage(signed(body, { of: "{}" }), findKeys, settler)],
      ["malformed usage batch", async () => takeUsage(signed({}), findKeys, settler)],
      ["malformed heartbeat", async () => takeHeartbeat(signed({}), findKeys)],
      ["out of reach while settling", async () => takeUsage(signed(body), findKeys, settler)],
    ];
    for (const [why, work] of table) {
      const refusal = await refusedBy(work);
      expect(refusal.message).toContain(why);
      expect(JSON.stringify([buildErrorBody(refusal), buildErrorHeaders(refusal)])).not.toContain(why);
    }
    const away = await refusedBy(async () => takeUsage(signed(body), findKeys, settler));
    expect(away.cause).toEqual(new Error("CANARY out of reach"));
  });

  const [kindKidNode = "", ...rest] = makeNodeToken(
    { node: "node_a", issuedAtMs: startedAtMs, bodySha256: digestBody(JSON.stringify(body)) },
    nodeKeysOf("node_a").node,
  ).split(/(?<=node_a)/);
  const forged: [string, string][] = [
    ["none", ""],
    ["no scheme", "x.y.z"],
    ["words", "Bearer x.y.z"],
    ["an empty token", "Bearer "],
    ["two tokens", "Bearer a b"],
    ["colons alone", "Bearer :::::"],
    ["a token without its MAC", `Bearer ${kindKidNode}${rest.join("").replace(/:[^:]*$/, "")}`],
    ["a token with an empty MAC", `Bearer ${kindKidNode}${rest.join("").replace(/:[^:]*$/, ":")}`],
    ["a token of another kind", `Bearer ${kindKidNode.replace("node1", "hop1")}${rest.join("")}`],
    ["a token of another node's name", `Bearer ${kindKidNode.replace("node_a", "node_b")}${rest.join("")}`],
    ["a token with a field more", `Bearer ${kindKidNode}:1${rest.join("")}`],
    ["an inference key", `Bearer sk-pen-${"0".repeat(16)}-${"0".repeat(47)}`],
  ];
  for (const [name, authorization] of forged) {
    test(`${name} in the header: 401`, async () => {
      await expectRefusal(
        () => takeUsage(visitOf(posted(body, authorization ? { authorization } : {})), findKeys, settlerOf().settler),
        "invalid_api_key",
      );
    });
  }
});

describe("a heartbeat", () => {
  test("is handed on when a node speaks of itself", async () => {
    expect(await takeHeartbeat(signed(heartbeatOf("node_a")), findKeys)).toEqual(heartbeatOf("node_a"));
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
      await expectRefusal(async () => takeHeartbeat(signed(body), findKeys), "invalid_value");
    }
  });
});
