import { expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { renameByTable, renameRefusal, renameWithin } from "#edge/protocol/wires/rename.ts";

test("the longest name that a path begins with is the one that is renamed, at a whole step", () => {
  const names = { max_tokens: "max_output_tokens", tools: "functions", "tools[0].function": "functions[0]" };
  const rename = (param: string) => renameByTable(param, names);
  expect(rename("max_tokens")).toBe("max_output_tokens");
  expect(rename("max_tokens_to_sample")).toBe("max_tokens_to_sample");
  expect(rename("tools[1].type")).toBe("functions[1].type");
  expect(rename("tools[0].function.name")).toBe("functions[0].name");
  expect(rename("toolset")).toBe("toolset");
});

test("a refusal tells the caller's own name, in its message as well, and all else as it was", () => {
  const details = { param: "messages[1].role", message: "'messages[1].role' must be a string.", retryAfterMs: 5 };
  const renamed = renameRefusal(new Refusal("invalid_value", details), (param) => param.replace("messages", "input"));
  expect([renamed.code, renamed.details]).toEqual([
    "invalid_value",
    { ...details, param: "input[1].role", message: "'input[1].role' must be a string." },
  ]);
  const plain = new Refusal("invalid_json");
  expect(renameRefusal(plain, () => "x")).toBe(plain);
});

test("what work refuses is told by the caller's own names; what it returns or breaks by is left alone", () => {
  const rename = (param: string) => `own.${param}`;
  const refuse = () => {
    throw new Refusal("invalid_value", { param: "x" });
  };
  expect(() => renameWithin(rename, refuse)).toThrow(expect.objectContaining({ details: { param: "own.x" } }));
  expect(renameWithin(rename, () => 3)).toBe(3);
  const broken = new TypeError("ours");
  expect(() =>
    renameWithin(rename, () => {
      throw broken;
    }),
  ).toThrow(broken);
});
