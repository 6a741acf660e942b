import { expect, test } from "vitest";
import type { EngineState } from "#origin/engines/health.ts";
import { readNodeState, type StateSources } from "#origin/report/node-state.ts";

test.each<[EngineState[], boolean, boolean, string]>([
  [["starting"], true, false, "starting"],
  [["starting", "ready"], true, false, "ready"],
  [["unhealthy", "ready"], true, false, "ready"],
  [["unhealthy", "starting"], true, false, "unhealthy"],
  [["ready"], false, false, "unhealthy"],
  [["ready"], true, true, "draining"],
])("engines %j, durable %s, draining %s: %s", (states, isDurable, isDraining, expected) => {
  const all = states.map((state) => ({ monitor: { state } })) as unknown as StateSources["pool"]["all"];
  expect(readNodeState({ pool: { all }, sender: { isDurable }, isDraining: () => isDraining })).toBe(expected);
});
