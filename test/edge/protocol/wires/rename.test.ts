import { expect, test } from "vitest";
import { Refusal, type RefusalCode } from "#edge/errors.ts";
import { nameInMessage, renameByTable, renameRefusal, renameWithin } from "#edge/protocol/wires/rename.ts";

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

test("a message gets the name of its member where it does not say it, and only for what a caller can mend", () => {
  const name = (code: RefusalCode, param: string | undefined, message: string) =>
    nameInMessage(new Refusal(code, { param }), message);
  expect(name("invalid_value", "a[0].b", "It is wrong.")).toBe("a[0].b: It is wrong.");
  expect(name("invalid_value", "a[0].b", "'a[0].b' is wrong.")).toBe("'a[0].b' is wrong.");
  expect(name("invalid_value", undefined, "The body is wrong.")).toBe("The body is wrong.");
  expect(name("context_length_exceeded", "messages", "This model's")).toBe("This model's");
  expect(name("model_not_found", "model", "There is none.")).toBe("There is none.");
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
