import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { deriveNodeKeys, NodeKeyTexts } from "#edge/agreements/tokens/node-keys.ts";
import { writeNodeKeys } from "#infra/operator/node-keys.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";

const masters = { n2: secretOf(2), n1: secretOf(1) };
const script = join(import.meta.dirname, "../../../infra/operator/node-keys.ts");
const run = (args: string[], masterKeys?: string) =>
  spawnSync(process.execPath, [script, ...args], {
    encoding: "utf8",
    env: { ...process.env, NODE_MASTER_KEYS: masterKeys },
  });

describe("a node's keys for its config", () => {
  test("are printed by the command, in the order of the masters, and nothing else is", () => {
    const { status, stdout, stderr } = run(["node_a"], JSON.stringify(masters));
    expect([status, stderr]).toEqual([0, ""]);
    expect(NodeKeyTexts.parse(JSON.parse(stdout))).toEqual(deriveNodeKeys(masters, "node_a"));
    expect(Object.keys(JSON.parse(stdout))).toEqual(["n2", "n1"]);
  });

  test("what is wrong is said for people, on the other stream, with how it is used", () => {
    const { status, stdout, stderr } = run([], JSON.stringify(masters));
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/no id of a node[^]*npm run node-keys -s/);
    expect(run(["--help"]).stdout).toContain("NODE_MASTER_KEYS");
  });

  const canary = `CANARY${secretOf(9)}`;
  test.each<[string, string | undefined, string | undefined]>([
    ["no id", undefined, JSON.stringify(masters)],
    ["an id in capitals", "node_A", JSON.stringify(masters)],
    ["no masters", "node_a", undefined],
    ["empty masters", "node_a", ""],
    ["a master alone", "node_a", canary],
    ["a short master", "node_a", JSON.stringify({ n1: canary.slice(0, 20) })],
    ["kid and master swapped", "node_a", JSON.stringify({ [canary]: "n1" })],
    ["three masters", "node_a", JSON.stringify({ a: canary, b: canary, c: canary })],
  ])("%s is refused, and no secret is shown", (_, node, masterKeys) => {
    expect(() => writeNodeKeys(node, masterKeys)).toThrow(/^(?!.*CANARY)/s);
  });
});
