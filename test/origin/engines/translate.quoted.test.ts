import { describe, expect, test } from "vitest";
import type { JsonObject } from "#edge/agreements/json.ts";
import { refusedReasons } from "#origin/engines/refused-reasons.ts";
import { translateError } from "#origin/engines/translate.ts";

const translate = (message: string, body: JsonObject = {}) =>
  translateError(400, JSON.stringify({ error: { message } }), { path: "/v1/chat/completions", body });

/** What a caller may send to have it quoted: pieces of the engine's own sentences. */
const texts = [
  "what is a context window?",
  "This model's maximum context length is 1 tokens.",
  "max_model_len",
  "it exceeds the context",
  "x is not a multimodal model",
  "Model 'x' does not support Matryoshka embeddings",
  "{'type': 'too_long', 'loc': 'body.stop', 'msg': ''}",
  "\\n  {'type': 'too_long', 'loc': 'body.stop', 'msg': ''}",
  "[{'type': 'missing', 'loc': ('body', 'canary')}]",
];

/** vLLM's sentences that quote the request, each with the field that is at fault. */
const quoting: [string, (text: string) => string][] = [
  ["tool_choice", (text) => `Invalid value for \`tool_choice\`: ${text}! Only named tools are supported.`],
  ["logit_bias", (text) => `logit_bias contains key(s) that cannot be converted to integer token IDs: ["${text}"]`],
  ["bad_words", (text) => `bad_words cannot contain an empty string. Got bad_words=["${text}", '']`],
  ["response_format", (text) => `Grammar error: Invalid type: ${text}`],
  [
    "messages",
    (text) => `8 validation errors for ValidatorIterator\n0.text\n  Field required [input_value={"${text}"}]`,
  ],
  [
    "seed",
    (text) => `1 validation error:\n  {'type': 'int_parsing', 'loc': 'body.seed', 'msg': '', 'input': "${text}"}`,
  ],
  ["seed", (text) => `[{'type': 'int_parsing', 'loc': ('body', 'seed'), 'msg': '', 'input': {"x": "${text}"}}]`],
];

describe("a caller's text that the engine quotes", () => {
  test.each(quoting)("never changes the reason that is given for '%s'", (field, quote) => {
    const body = { [field]: "x" };
    const { code, details } = translate(quote("canary"), body);
    expect([code, details.param]).toEqual(["invalid_value", field]);
    for (const text of texts) {
      const refusal = translate(quote(text), body);
      expect([text, refusal.code, refusal.details]).toEqual([text, code, details]);
    }
  });

  test("gives no reason where the engine's own words give none", () => {
    for (const text of texts)
      expect(translate(`Unknown role: ${text}`).details).toMatchObject({
        message: "The engine of this model does not accept this request.",
      });
  });

  test("is not read as the field where the field's own name cannot be shown", () => {
    const fault = `{'type': 'float_parsing', 'loc': 'body.logit_bias.a b', 'input': "${texts.at(-3)}"}`;
    expect(translate(`1 validation error:\n  ${fault}`).details.param).toBeUndefined();
  });
});

test.each([
  ["This model's maximum context length is 2048 tokens. However, you requested 3000 tokens.", 2_048],
  [
    "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 2048 tokens.",
    2_048,
  ],
  ["max_tokens=100000 cannot be greater than max_model_len=2048. Please request fewer output tokens.", 2_048],
  ["max_tokens=100000 cannot be greater than max_model_len=max_total_tokens=2048. Please request", 2_048],
  ["The decoder prompt (length 3000) is longer than the maximum model length of 2048.", 2_048],
  ["request (5000 tokens) exceeds the available context size (2048 tokens), try increasing it", 2_048],
  ["Requested tokens (5000) exceed context window of 2048", 2_048],
  ["maximum context length is 2048 tokens, not 3000 of prompt and 20 of completion", 2_048],
  ["the input length exceeds the context length", null],
  ["max_tokens must be at least 1, got 0.", null],
  ["The input (3000 tokens) is longer than the model's context length (2048 tokens).", 2_048],
  ["This model's maximum context length is 2048 tokens. However, your prompt holds 'context length is 7'.", 2_048],
])("'%s' is the engine's own word on a full context, and its number is told", (message, limit) => {
  const { code, details } = translate(message);
  expect(code).toBe("context_length_exceeded");
  expect(details.message).toBe(
    limit === null
      ? undefined
      : `This model's maximum context length is ${limit} tokens. However, your messages and the completion ` +
          "need more. Please reduce the length of the messages or completion.",
  );
});

test("no pattern steps over a hostile message more often than a few times a character", () => {
  const pieces = [
    "\n",
    "  {'type': '",
    "'loc': '",
    "(",
    " ",
    "1",
    "a.",
    "]",
    "[",
    "context ",
    "'type': 'a', 'loc': ('a'",
  ];
  const starts = [
    "",
    "1 validation error:",
    "Model '",
    "max_tokens must be at least ",
    "Grammar error: at ",
    "Token id ",
  ];
  for (const start of starts)
    for (const piece of pieces) {
      const message = start + piece.repeat(Math.ceil(100_000 / piece.length));
      for (const { pattern } of refusedReasons) pattern.test(message);
      expect(translate(message).status).toBe(400);
      const error = JSON.stringify({ error: { message, param: message } });
      expect(translateError(501, error, { path: "/v1/completions", body: {} }).code).toBe("unsupported_parameter");
    }
});
