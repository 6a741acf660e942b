import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { joinMembers, partTypePlace, type EngineWord } from "#infra/checks/accept/members/ask-engine.ts";
import { compareMembers } from "#infra/checks/accept/members/compare-members.ts";
import type { EnginePlace } from "#infra/checks/accept/members/read-openapi.ts";

const recorded = (): EngineWord =>
  JSON.parse(readFileSync(new URL("../../../../fixtures/vllm/openapi.json", import.meta.url), "utf8"));

/** The recorded engine, and one more thing that it reads. */
function plant(place: string, more: { name?: string; value?: string }): string[] {
  const engine = new Map<string, EnginePlace>(joinMembers(recorded()));
  const found = engine.get(place);
  engine.set(place, {
    names: new Set([...(found?.names ?? []), ...(more.name ? [more.name] : [])]),
    values: new Set([...(found?.values ?? []), ...(more.value ? [more.value] : [])]),
  });
  return compareMembers(engine).unknown;
}

describe("every member that vLLM reads", () => {
  test("has a row in our tables: what becomes of it is decided", () => {
    const { version } = recorded();
    expect(version).toBe("0.32.0");
    expect(compareMembers(joinMembers(recorded())).unknown).toEqual([]);
  });

  test("or the comparison fails, names it, and says where it is to be added", () => {
    expect(plant("chat.completions", { name: "trace_decode" })).toEqual([
      "chat.completions.trace_decode: no row; add it to chatMembers in edge/protocol/openai/members/chat.ts, " +
        "or with why to `withheld` in infra/checks/accept/members/known-members.ts",
    ]);
  });

  test.each([
    ["completions", "lora_request", "completionsMembers"],
    ["embeddings", "lora_request", "embeddingsMembers"],
    ["tokenize", "lora_request", "chatFields"],
    ["chat.completions.messages[]", "persona", "messageChecks"],
    ["chat.completions.messages[].content[]", "point_cloud", "partTypes"],
    ["chat.completions.messages[].content[].image_url", "tiles", "formMembers"],
    ["chat.completions.messages[].tool_calls[].function", "hook", "calledMembers"],
    ["chat.completions.tools[]", "sandbox", "toolMembers"],
    ["tokenize.tools[].function", "hook", "functionMembers"],
    ["chat.completions.tool_choice", "mode", "checkChosen"],
    ["completions.stream_options", "raw", "streamOptions"],
    ["completions.response_format", "ebnf", "formatMembers"],
    ["chat.completions.response_format.json_schema", "compiler", "jsonSchemaMembers"],
    ["chat.completions.structured_outputs", "lark", "kinds"],
  ])("%s.%s is told of", (place, name, table) => {
    const found = plant(place, { name });
    expect(found).toHaveLength(1);
    const [told = ""] = found;
    expect(told.slice(0, told.indexOf(" in "))).toMatch(`${place}.${name}: no row; add it to ${table}`);
  });

  test.each([
    [partTypePlace, "point_cloud_embeds"],
    ["chat.completions.messages[].role", "observer"],
    ["chat.completions.tools[].type", "python"],
    ["chat.completions.tool_choice", "any"],
    ["completions.response_format.type", "ebnf"],
  ])("the kind of %s that is '%s' is told of", (place, value) => {
    expect(plant(place, { value })).toEqual([expect.stringContaining(`${place}: no row for the kind '${value}'`)]);
  });

  test("of an object that is new within a member which goes on is told of, whatever it holds", () => {
    expect(plant("chat.completions.logit_bias.tree", { name: "depth" })).toEqual([
      expect.stringContaining("chat.completions.logit_bias.tree: its members (depth) have no table"),
    ]);
  });

  test("needs none where the member that it stands in goes to no engine", () => {
    for (const place of ["repetition_detection", "messages[].audio", "messages[].content[].file", "messages[].tools[]"])
      expect(plant(`chat.completions.${place}`, { name: "x" })).toEqual([]);
    expect(plant("embeddings.input[]", { name: "x" })).toEqual([]);
  });
});

test("rows that vLLM does not read are listed: they are OpenAI's, or older names", () => {
  const { unread } = compareMembers(joinMembers(recorded()));
  expect(unread).toEqual(expect.arrayContaining(["service_tier", "best_of", "reasoning_content"]));
  expect(unread).not.toContain("temperature");
});
