import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { profileHeader, writeProfile, type TrafficProfile } from "#edge/agreements/records/traffic-profile.ts";
import { profileStaleMs, profileReportersMax } from "#edge/limits.ts";
import { openTierClassifier, type TierClassifier } from "#edge/routing/tier/classifier.ts";
import { nodeOf } from "#test/support/fakes/fleet.ts";
import { chatModel, modelOf, sqlModel } from "#test/support/fakes/models.ts";

const nodes = [nodeOf("a")];
const open = (entriesMax?: number) => openTierClassifier([chatModel, sqlModel], nodes, entriesMax);
const long = {
  model: chatModel,
  promptTokensGuess: 100,
  completionTokens: 6_000,
  choices: 1,
  hasImages: false,
  isScored: false,
  compileSeconds: 0,
};
const headersOf = (habit: Partial<TrafficProfile> = {}) =>
  new Headers({
    [profileHeader]: writeProfile({ outputTokens: 20, isAtLeast: false, cachedTokens: 0, promptRatio: 1, ...habit }),
  });
const tell = (
  judge: TierClassifier,
  habit: Partial<TrafficProfile> = {},
  node = "node_a",
  atMs = 0,
  org = "org_a",
  model = chatModel.id,
) => judge.learn({ org, model, node }, headersOf(habit), atMs);

describe("a classifier", () => {
  test("goes by the most requested where there is no history, and by use where a profile is known", () => {
    const judge = open();
    expect(judge.classify("org_a", long)).toMatchObject({ tier: "complex", kvTokens: 6_100, why: "kv" });
    tell(judge);
    expect(judge.classify("org_a", long)).toMatchObject({ tier: "shared", kvTokens: 120, why: "standard" });
  });

  test("knows orgs and models apart", () => {
    const judge = open();
    tell(judge);
    expect(judge.classify("org_b", long).tier).toBe("complex");
    expect(judge.classify("org_a", { ...long, model: sqlModel }).tier).toBe("complex");
  });

  test("learns nothing from an answer without a profile, or with nonsense for one", () => {
    const judge = open();
    for (const headers of [
      new Headers(),
      new Headers({ [profileHeader]: "out=1" }),
      new Headers({ [profileHeader]: "out=1 cached=0 ratio=9" }),
    ])
      judge.learn({ org: "org_a", model: chatModel.id, node: "node_a" }, headers, 0);
    expect([judge.classify("org_b", { ...long, completionTokens: 10 }).tier, judge.size]).toEqual(["shared", 0]);
    expect(judge.classify("org_a", long).tier).toBe("complex");
  });

  test("weighs calls by the coefficients of the model's own nodes", () => {
    const large = modelOf({
      coefficients: {
        h100: {
          poolTokens: 1_000_000,
          startSeconds: 0,
          secondsPerPromptToken: 0,
          secondsPerPromptTokenSquared: 0,
          secondsPerToken: 0.001,
        },
      },
    });
    const judge = openTierClassifier([large, sqlModel], [nodeOf("a", { kind: "h100" })]);
    expect(judge.classify("org_a", { ...long, model: large })).toMatchObject({ tier: "shared", gpuSeconds: 6 });
  });
});

describe("a stay", () => {
  const near = { ...long, completionTokens: 4_100 };
  const allShared = [
    ["shared", false],
    ["shared", false],
    ["shared", false],
  ];

  test("lasts until a call is 15 % below, for this org and model only", () => {
    const judge = open();
    const tiers = () =>
      [
        judge.classify("org_a", near),
        judge.classify("org_b", near),
        judge.classify("org_a", { ...near, model: sqlModel }),
      ].map(({ tier, isStay }) => [tier, isStay]);
    expect(tiers()).toEqual(allShared);
    judge.classify("org_a", long);
    expect(tiers()).toEqual([
      ["complex", true],
      ["shared", false],
      ["shared", false],
    ]);
    judge.classify("org_a", { ...long, completionTokens: 3_000 });
    expect(tiers()).toEqual(allShared);
  });

  test("survives new traffic profiles, and they survive it", () => {
    const judge = open();
    judge.classify("org_a", long);
    tell(judge, { outputTokens: 4_100 });
    expect(judge.classify("org_a", long)).toMatchObject({ tier: "complex", kvTokens: 4_200, isStay: true });
    tell(judge, { outputTokens: 3_900 });
    expect(judge.classify("org_a", long)).toMatchObject({ tier: "shared", kvTokens: 4_000 });
  });
});

describe("where nodes report different things", () => {
  const kvAfter = (told: [string, Partial<TrafficProfile>, number?][]) => {
    const judge = open();
    for (const [node, habit, atMs = 0] of told) tell(judge, habit, node, atMs);
    return judge.classify("org_a", long).kvTokens;
  };

  test("the longest output is believed, in whatever order they report", () => {
    expect(
      kvAfter([
        ["a", { outputTokens: 20 }],
        ["b", { outputTokens: 900 }],
      ]),
    ).toBe(1_000);
    expect(
      kvAfter([
        ["b", { outputTokens: 900 }],
        ["a", { outputTokens: 20 }],
      ]),
    ).toBe(1_000);
  });

  test("one that saw long answers only begin makes it unknown; one that saw less than the others know does not", () => {
    expect(
      kvAfter([
        ["a", { outputTokens: 20 }],
        ["b", { outputTokens: 4_000, isAtLeast: true }],
      ]),
    ).toBe(6_100);
    expect(
      kvAfter([
        ["a", { outputTokens: 20 }],
        ["b", { outputTokens: 1, isAtLeast: true }],
      ]),
    ).toBe(120);
    expect(
      kvAfter([
        ["a", { outputTokens: 20 }],
        ["b", { outputTokens: 20, isAtLeast: true }],
      ]),
    ).toBe(6_100);
  });

  test("the least cached and the greatest ratio are believed", () => {
    const judge = open();
    tell(judge, { cachedTokens: 3_000, promptRatio: 0.9 }, "a");
    tell(judge, { cachedTokens: 100, promptRatio: 1.1 }, "b");
    const alone = open();
    tell(alone, { cachedTokens: 100, promptRatio: 1.1 });
    const asked = { ...long, promptTokensGuess: 2_000 };
    expect(judge.classify("org_a", asked)).toEqual(alone.classify("org_a", asked));
  });

  test("a node's later report replaces its earlier one, and one ten minutes older than another's is forgotten", () => {
    expect(
      kvAfter([
        ["b", { outputTokens: 900 }],
        ["b", { outputTokens: 20 }],
      ]),
    ).toBe(120);
    expect(
      kvAfter([
        ["b", { outputTokens: 900 }],
        ["a", {}, profileStaleMs - 1],
      ]),
    ).toBe(1_000);
    expect(
      kvAfter([
        ["b", { outputTokens: 900 }],
        ["a", {}, profileStaleMs],
      ]),
    ).toBe(120);
  });

  test("the latest eight are remembered", () => {
    const told = Array.from({ length: profileReportersMax }, (_, at): [string, Partial<TrafficProfile>] => [
      `n${at}`,
      {},
    ]);
    expect(kvAfter([["old", { outputTokens: 900 }], ...told.slice(1)])).toBe(1_000);
    expect(kvAfter([["old", { outputTokens: 900 }], ...told])).toBe(120);
  });
});

describe("memory", () => {
  test("is taken only by orgs with a profile or near a threshold", () => {
    const judge = open();
    for (let org = 0; org < 100; org++) judge.classify(`org_${org}`, { ...long, completionTokens: 100 });
    expect(judge.size).toBe(0);
    judge.classify("org_0", long);
    tell(judge, {}, "node_a", 0, "org_1");
    expect(judge.size).toBe(2);
  });

  test("is bounded whatever comes, and who was longest away has no history again", () => {
    const turn = fc.tuple(fc.nat({ max: 20 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (turns, max) => {
        const judge = open(max);
        const used: number[] = [];
        for (const [org, isTold] of turns) {
          if (isTold) tell(judge, {}, "node_a", 0, `org_${org}`);
          else judge.classify(`org_${org}`, long);
          used.splice(0, used.length, ...used.filter((one) => one !== org), org);
          expect(judge.size).toBe(Math.min(max, used.length));
        }
        const gone = used.slice(0, -max);
        for (const org of gone.slice(0, 1))
          expect(judge.classify(`org_${org}`, { ...long, completionTokens: 4_100 }).tier).toBe("shared");
      }),
    );
  });
});
