import { expect, test } from "vitest";
import { estimateCompile } from "#edge/protocol/openai/members/structure/compile.ts";

const schema = { properties: { a: { pattern: "a+" } } };
const strict = { type: "function", function: { name: "g", parameters: schema, strict: true } };
const tool = { type: "function", function: { name: "f", parameters: schema } };

test("free text costs nothing to begin, and tools only where one must be called or is strict", () => {
  for (const body of [
    {},
    { response_format: { type: "text" } },
    { tools: [tool] },
    { tools: [tool], tool_choice: "auto" },
    { tools: [strict], tool_choice: "none" },
  ])
    expect(estimateCompile(body)).toBe(0);
  for (const chosen of ["required", { type: "function", function: { name: "f" } }])
    expect(estimateCompile({ tools: [tool], tool_choice: chosen })).toBeGreaterThan(0);
  for (const chosen of [undefined, "auto"])
    expect(estimateCompile({ tools: [tool, strict], tool_choice: chosen })).toBeGreaterThan(0);
});

test("a form costs by its schema, however it is written", () => {
  const bare = estimateCompile({ response_format: { type: "json_object" } });
  const named = estimateCompile({ response_format: { type: "json_schema", json_schema: { schema } } });
  expect(bare).toBeGreaterThan(0);
  expect(named).toBeGreaterThan(bare);
  expect(estimateCompile({ structured_outputs: { json: schema } })).toBe(named);
  expect(estimateCompile({ structured_outputs: { json: JSON.stringify(schema) } })).toBe(named);
  expect(estimateCompile({ structured_outputs: { regex: "a" } })).toBe(bare);
});
