import { expect, test } from "vitest";
import { findPromptFault } from "#edge/protocol/openai/members/prompt-input.ts";

test.each<[unknown, string | null]>([
  ["x", null],
  [["x", "y"], null],
  [[1, 2], null],
  [[[1], [2, 3]], null],
  [undefined, ""],
  ["", ""],
  [[], ""],
  [{}, ""],
  [["x", ""], "1"],
  [["x", 1], "1"],
  [[1, "x"], "1"],
  [[[1], []], "1"],
  [[[1, -1]], "0.1"],
  [[null], "0"],
])("%j: the fault lies at %s", (value, path) => {
  expect(findPromptFault(value)?.path.join(".") ?? null).toBe(path);
});
