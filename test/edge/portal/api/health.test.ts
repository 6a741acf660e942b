import { expect, test } from "vitest";
import { countReady } from "#edge/portal/api/health.ts";

test("nodes are counted for a model by any of its names; what is not known is not guessed", () => {
  const report = { status: "healthy", backends: { chat: 2, embed: 0 } };
  expect(countReady(report, ["Qwen/Qwen2.5-7B-Instruct", "chat"])).toBe(2);
  expect(countReady(report, ["embed"])).toBe(0);
  expect(countReady(report, ["other"])).toBeNull();
  expect(countReady(null, ["chat"])).toBeNull();
  expect(countReady({ backends: null }, ["chat"])).toBeNull();
});
