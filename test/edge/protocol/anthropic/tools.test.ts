import { describe, expect, test } from "vitest";
import {
  checkToolChoice,
  checkTools,
  writeExactTools,
  writeToolChoice,
  writeTools,
  type SentChoice,
} from "#edge/protocol/anthropic/tools.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const weather = { name: "weather", description: "of a city", input_schema: { type: "object" } };

describe("tools", () => {
  const faults: [unknown, PropertyKey[]][] = [
    ["x", []],
    [[1], [0]],
    [[{ input_schema: {} }], [0, "name"]],
    [[{ name: "", input_schema: {} }], [0, "name"]],
    [[{ name: "a" }], [0, "input_schema"]],
    [[{ name: "a", input_schema: [] }], [0, "input_schema"]],
    [
      [weather, { ...weather, description: 1 }],
      [1, "description"],
    ],
    [[{ type: 1 }], [0, "type"]],
    [Array.from({ length: 513 }, () => weather), []],
  ];
  test.each(faults)("%j is at fault at %j", (tools, path) => expect(checkTools(tools)).toMatchObject({ path }));

  test("are a chat's functions, and nothing beside", () => {
    const tools = [
      { ...weather, type: "custom", strict: true, cache_control: { type: "ephemeral" }, defer_loading: true },
    ];
    expect(checkTools(tools)).toBeNull();
    expect(writeTools(tools)).toEqual([
      {
        type: "function",
        function: { name: "weather", description: "of a city", parameters: { type: "object" }, strict: true },
      },
    ]);
  });

  test("of Anthropic's own are refused by their type", async () => {
    for (const type of ["web_search_20250305", "computer_20250124", "bash_20250124", "text_editor_20250728"]) {
      const tools = [weather, { type, name: "x" }];
      expect(checkTools(tools)).toBeNull();
      const refusal = await expectRefusal(() => writeTools(tools), "unsupported_parameter", "tools[1].type");
      expect(refusal.details.message).toContain(`'${type}'`);
    }
  });

  test("keep the digits of their schemas where a chat has them", () => {
    expect(writeExactTools([{ name: "a", input_schema: { const: 1 } }, 5])).toEqual([
      { function: { parameters: { const: 1 } } },
      { function: { parameters: undefined } },
    ]);
    expect(writeExactTools(undefined)).toBeUndefined();
  });
});

describe("the choice of a tool", () => {
  const choices: [SentChoice, object][] = [
    [{ type: "auto" }, { tool_choice: "auto" }],
    [{ type: "any" }, { tool_choice: "required" }],
    [{ type: "none" }, { tool_choice: "none" }],
    [{ type: "tool", name: "weather" }, { tool_choice: { type: "function", function: { name: "weather" } } }],
    [
      { type: "auto", disable_parallel_tool_use: true },
      { tool_choice: "auto", parallel_tool_calls: false },
    ],
    [{ type: "any", disable_parallel_tool_use: false }, { tool_choice: "required" }],
  ];
  test.each(choices)("%j is %j", (choice, chat) => {
    expect(checkToolChoice(choice)).toBeNull();
    expect(writeToolChoice(choice, [weather])).toEqual(chat);
  });

  test("says nothing without tools, and what must be called must be there", async () => {
    expect(writeToolChoice({ type: "auto" }, [])).toEqual({});
    expect(writeToolChoice(undefined, [weather])).toEqual({});
    await expectRefusal(() => writeToolChoice({ type: "any" }, []), "invalid_value", "tool_choice.type");
    const other: SentChoice = { type: "tool", name: "other" };
    await expectRefusal(() => writeToolChoice(other, [weather]), "invalid_value", "tool_choice.name");
  });

  test("has a type, and a name where it needs one", () => {
    expect(checkToolChoice("auto")).toMatchObject({ path: [] });
    expect(checkToolChoice({ type: "required" })).toMatchObject({ path: ["type"] });
    expect(checkToolChoice({ type: "tool" })).toMatchObject({ path: ["name"] });
  });
});
