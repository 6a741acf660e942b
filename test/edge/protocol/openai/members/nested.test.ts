import { expect, test } from "vitest";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { keepNested } from "#edge/protocol/openai/members/nested.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const tool = { type: "function", function: { name: "f", parameters: { type: "object", anything: 1 } } };
const keep = (body: Record<string, unknown>, switches: Parameters<typeof keepNested>[1] = {}) => {
  const ignored = new IgnoredMembers();
  return [keepNested(body, switches, ignored), ignored.headers["x-penstock-ignored"] ?? null];
};

test("tools keep their schema whole, and lose what nobody knows", () => {
  const strange = { ...tool, x: 1, cache_control: {}, function: { ...tool.function, y: 2, description: null } };
  expect(keep({ tools: [tool, strange] })).toEqual([{ tools: [tool, tool] }, "tools[].x,tools[].function.y"]);
});

test("tools that nobody here runs are refused by their path", async () => {
  await expectRefusal(() => keep({ tools: [tool, { type: "web_search" }] }), "unsupported_parameter", "tools[1].type");
  const chosen = { type: "allowed_tools", function: { name: "f" } };
  await expectRefusal(() => keep({ tool_choice: chosen }), "unsupported_parameter", "tool_choice.type");
  const named = { type: "function", function: { name: "f", x: 1 }, y: 1 };
  expect(keep({ tool_choice: named })).toEqual([{ tool_choice: { type: "function", function: { name: "f" } } }, null]);
});

test("a format keeps its schema whole, and loses what nobody knows", () => {
  const format = { type: "json_schema", json_schema: { name: "s", schema: { own: 1 }, strict: true } };
  expect(keep({ response_format: format })).toEqual([{ response_format: format }, null]);
  expect(keep({ response_format: { ...format, schema: {}, json_schema: { ...format.json_schema, x: 1 } } })).toEqual([
    { response_format: format },
    "response_format.schema,response_format.json_schema.x",
  ]);
});

test("switches go on that the template's table or the model's record names; nobody's template does", async () => {
  const kwargs = { enable_thinking: false, own_switch: 1, tokenize: true, messages: [], nothing: null };
  expect(keep({ chat_template_kwargs: kwargs })).toEqual([
    { chat_template_kwargs: { enable_thinking: false } },
    "chat_template_kwargs.own_switch,chat_template_kwargs.tokenize,chat_template_kwargs.messages",
  ]);
  const own = { chat_template_kwargs: { enable_thinking: false, own_switch: 1 } };
  expect(keep({ chat_template_kwargs: kwargs }, { templateSwitches: ["own_switch", "tokenize"] })[0]).toEqual(own);
  expect(keep({ chat_template_kwargs: kwargs }, null)[0]).toEqual(own);
  const template = { chat_template_kwargs: { chat_template: "{{ x }}" } };
  for (const switches of [{}, null])
    await expectRefusal(() => keep(template, switches), "unsupported_parameter", "chat_template_kwargs.chat_template");
});
