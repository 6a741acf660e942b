import { expect, test } from "vitest";
import type { CallMax } from "#edge/agreements/records/node.ts";
import { selectAble, type SizedCall } from "#edge/routing/call-bounds.ts";
import { viewOf } from "#test/support/fakes/fleet.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const call: SizedCall = {
  path: "/v1/completions",
  prompts: 8,
  choices: 64,
  promptTokensGuess: 100,
  completionTokens: 10,
};
const node = (name: string, callMax: CallMax | null, over = {}) => viewOf(name, { callMax, ...over });
const able = (...nodes: ReturnType<typeof node>[]) => selectAble(nodes, call).map(({ record }) => record.id);

test("nodes that take the call when idle are kept, and those that have not said", () => {
  expect(able(node("a", { sequences: 63 }), node("b", { sequences: 64 }), node("c", null))).toEqual([
    "node_b",
    "node_c",
  ]);
  expect(able(node("a", { sequences: 64, tokens: 740 }), node("b", { sequences: 64, tokens: 739 }))).toEqual([
    "node_a",
  ]);
});

test("a full node, and one that is away, still counts as one that could take it: to wait helps", () => {
  const full = { load: { running: 256, waiting: 9, kvUsed: 1, heldTokens: 1e9 } };
  expect(able(node("a", { sequences: 64 }, full))).toEqual(["node_a"]);
  expect(able(node("a", { sequences: 64 }, { state: "draining" }), node("b", { sequences: 1 }))).toEqual(["node_a"]);
});

test("when none could ever, the call is refused by the bound of the one that takes most", async () => {
  const refusal = await expectRefusal(
    () => able(node("a", { sequences: 6 }), node("b", { sequences: 24 })),
    "invalid_value",
    "n",
  );
  expect(refusal.details.message).toContain("at most 24");
  const long = await expectRefusal(
    () => able(node("a", { sequences: 64, tokens: 50 }), node("b", { sequences: 64, tokens: 99 })),
    "invalid_value",
    "prompt",
  );
  expect(long.details.message).toContain("at most 99");
});

test("a model without a node has none, which is not the call's fault", () => expect(able()).toEqual([]));
