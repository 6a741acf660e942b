import { expect, test } from "vitest";
import { checkTools, makeStructuredScript, makeToolScript } from "#infra/simulator/text/script.ts";
import { detokenize } from "#infra/simulator/text/tokenizer.ts";

const tools = ["a", "b"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { x: { const: name } } } },
}));

test("an answer with a form is that form", () => {
  const text = (raw: Record<string, unknown>) => detokenize(makeStructuredScript(raw, "seed")?.tokens ?? []);
  expect(
    JSON.parse(
      text({
        response_format: {
          type: "json_schema",
          json_schema: { schema: { type: "object", properties: { n: { const: 5 } } } },
        },
      }),
    ),
  ).toEqual({ n: 5 });
  expect(JSON.parse(text({ response_format: { type: "json_object" } }))).toHaveProperty("answer");
  expect(["yes", "no"]).toContain(text({ structured_outputs: { choice: ["yes", "no"] } }));
  expect(makeStructuredScript({ response_format: { type: "text" } }, "seed")).toBeNull();
});

test("a form that is none is refused", () => {
  expect(() => makeStructuredScript({ response_format: { type: "yaml" } }, "")).toThrow("literal_error");
  expect(() => makeStructuredScript({ response_format: { type: "json_schema" } }, "")).toThrow("must be provided");
  expect(() => makeStructuredScript({ structured_outputs: { json: {}, regex: "" } }, "")).toThrow("only use one kind");
});

test("a tool is called when it must be, or when the user spoke last", () => {
  expect(makeToolScript({ tools }, "user", "s")?.tool).toMatchObject({ isFree: true, isNamed: false });
  expect(makeToolScript({ tools }, "tool", "s")).toBeNull();
  expect(makeToolScript({ tools, tool_choice: "required" }, "tool", "s")?.tool).toMatchObject({ isFree: false });
  expect(makeToolScript({ tools, tool_choice: "none" }, "user", "s")).toBeNull();
  const named = makeToolScript({ tools, tool_choice: { function: { name: "b" } } }, "user", "s");
  expect(named?.tool).toMatchObject({ name: "b", isNamed: true });
  expect(detokenize(named?.tokens.filter((_, at) => named.parts[at] === "arguments") ?? [])).toBe('{"x":"b"}');
  expect(named?.parts.filter((part) => part === "call")).toHaveLength(1);
});

test.each([
  [{ tools: [] }, "empty array"],
  [{ tool_choice: "auto" }, "must be set"],
  [{ tools, tool_choice: "perhaps" }, "perhaps"],
  [{ tools, tool_choice: {} }, "function"],
  [{ tools, tool_choice: { function: {} } }, "name"],
  [{ tools, tool_choice: { function: { name: "c" } } }, "does not match"],
])("tools %# are refused", (raw, said) => {
  expect(() => checkTools(raw)).toThrow(said);
});
