import { describe, expect, test } from "vitest";
import { omitUnsent, refuseUnsupportedParts } from "#edge/protocol/openai/unsupported.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

describe("what would change the answer and cannot be had is refused by name", () => {
  const asked: [string, unknown][] = [
    ["functions", [{ name: "f" }]],
    ["function_call", "auto"],
    ["guided_json", { type: "object" }],
    ["guided_regex", "a+"],
    ["modalities", ["text", "audio"]],
    ["audio", { voice: "alloy", format: "wav" }],
    ["web_search_options", {}],
    ["prediction", { type: "content", content: "x" }],
    ["verbosity", "low"],
    ["use_beam_search", true],
    ["best_of", 3],
    ["prompt_embeds", "gASV"],
    ["logits_processors", ["x"]],
    ["return_token_ids", true],
    ["chat_template", "{{ x }}"],
    ["extra_body", { top_k: 1 }],
    ["max_output_tokens", 5],
    ["max_new_tokens", 5],
    ["stop_sequences", ["x"]],
    ["system", "Be brief."],
    ["options", { num_ctx: 4_096 }],
  ];
  for (const [name, value] of asked) {
    test(`${name}: ${JSON.stringify(value)}`, async () => {
      const refusal = await expectRefusal(
        () => omitUnsent({ model: "m", [name]: value }),
        "unsupported_parameter",
        name,
      );
      expect(refusal.details.message).toMatch(new RegExp(`^'${name}' is not supported: .+\\.$`));
      expect(refusal.details.mayRetry).toBeUndefined();
    });

    test(`${name} that says nothing is as if it had not been sent`, () => {
      const nothing = name === "web_search_options" ? [null, false] : [null, "", [], {}, false];
      for (const empty of nothing) expect(omitUnsent({ model: "m", [name]: empty })).toEqual({ model: "m" });
    });
  }

  test("a template does not come in by the back door either", async () => {
    const body = { chat_template_kwargs: { chat_template: "{{ x }}" } };
    await expectRefusal(() => omitUnsent(body), "unsupported_parameter", "chat_template_kwargs.chat_template");
    expect(omitUnsent({ chat_template_kwargs: { enable_thinking: false } })).toEqual({
      chat_template_kwargs: { enable_thinking: false },
    });
  });

  test("a name of the caller's own is repeated as no more than a name", async () => {
    const refusal = await expectRefusal(() => omitUnsent({ "guided_<b>\n": 1 }), "unsupported_parameter");
    expect(refusal.details.param).toBe("guided_?b??");
    expect(refusal.details.message).not.toContain("<b>");
  });
});

test("what is harmless passes", () => {
  const body = {
    modalities: ["text"],
    verbosity: "medium",
    best_of: 2,
    n: 2,
    store: true,
    metadata: {},
    service_tier: "flex",
    brand_new: [],
  };
  const { modalities: _, verbosity: __, best_of: ___, ...rest } = body;
  expect(omitUnsent(body)).toEqual(rest);
  expect(omitUnsent({ best_of: 1 })).toEqual({});
});

test("null, and the empty value of what may be left out, say nothing; required members are the schema's", () => {
  expect(
    omitUnsent({
      model: "",
      messages: [],
      prompt: "",
      temperature: null,
      stop: "",
      tools: [],
      tool_choice: {},
      response_format: {},
      structured_outputs: {},
      logit_bias: {},
      stream_options: {},
      user: "",
    }),
  ).toEqual({ model: "", messages: [], prompt: "" });
});

test("a body with nothing to leave out is the very same, and what is no object passes", () => {
  const body = { model: "m", __proto__: null };
  expect(omitUnsent(body)).toBe(body);
  for (const none of [null, 1, "guided_json", [{ functions: [1] }]]) expect(omitUnsent(none)).toBe(none);
});

describe("messages and tools that an engine would leave out", () => {
  test("legacy function messages are refused with their path", async () => {
    const user = { role: "user", content: "hi" };
    await expectRefusal(
      () => refuseUnsupportedParts([user, { role: "function", name: "f", content: "1" }], []),
      "unsupported_parameter",
      "messages[1].role",
    );
    await expectRefusal(
      () => refuseUnsupportedParts([{ role: "assistant", function_call: { name: "f" } }], []),
      "unsupported_parameter",
      "messages[0].function_call",
    );
    expect(() => refuseUnsupportedParts([user, { role: "assistant", function_call: null }], [])).not.toThrow();
  });

  test("so are tools that nobody here runs", async () => {
    const tools = [{ type: "function" }, { type: "web_search" }];
    await expectRefusal(() => refuseUnsupportedParts([], tools), "unsupported_parameter", "tools[1].type");
  });
});
