import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseObject, type JsonObject } from "#edge/agreements/json.ts";
import type { CallPath } from "#edge/agreements/paths.ts";
import { buildErrorBody, type Refusal } from "#edge/errors.ts";
import { brokenBounds, expectedTypes, refusedReasons } from "#origin/engines/refused-reasons.ts";
import { translateError, type RefusedCall } from "#origin/engines/translate.ts";
import { readRecording, readRecordings } from "#test/support/recordings.ts";

interface Recorded {
  request: { path: string; body?: string };
  status: number;
  body: string;
}
const paths: readonly CallPath[] = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"];
const chat: RefusedCall = { path: "/v1/chat/completions", body: {} };
const completions: RefusedCall = { path: "/v1/completions", body: {} };

/** The call that was recorded, as the agent would have sent it. */
function readCall({ request }: Recorded): RefusedCall {
  const path = paths.find((known) => request.path === known) ?? "/v1/chat/completions";
  return { path, body: parseObject(request.body ?? "") ?? {} };
}

function translate(name: string): Refusal {
  const recorded = readRecording<Recorded>(name);
  return translateError(recorded.status, recorded.body, readCall(recorded));
}

const isRecorded = ({ status, body }: Recorded) =>
  typeof status === "number" && status >= 400 && typeof body === "string";
const errors = readRecordings<Recorded>().filter(([, recorded]) => isRecorded(recorded));
const refused = errors.filter(([, { status }]) => status === 400 || status === 422);
const readMessage = ({ body }: Recorded) =>
  String((parseObject(body)?.["error"] as JsonObject | undefined)?.["message"]);

/** Reasons that stay general on purpose: a caller cannot bring them about, or the engine's words do not say which. */
const general = [
  "error-content-type-none",
  "error-content-type-text",
  "error-messages-null",
  "error-chat-preflight",
  "key-missing-preflight",
];

describe("recorded errors of vLLM 0.32", () => {
  test.each([
    ["error-context-length", "context_length_exceeded", "messages"],
    ["error-context-length-stream", "context_length_exceeded", "messages"],
    ["error-max-tokens-too-large", "context_length_exceeded", "messages"],
    ["embed-error-context-length", "context_length_exceeded", "input"],
    ["error-unknown-model", "bad_gateway", undefined],
    ["error-cache-salt-too-long", "bad_gateway", undefined],
    ["error-malformed-json", "invalid_json", undefined],
    ["queue-full", "server_is_overloaded", undefined],
    ["key-wrong", "bad_gateway", undefined],
  ])("%s becomes %s at %s", (name, code, param) => {
    const refusal = translate(name);
    expect([refusal.code, refusal.details.param]).toEqual([code, param]);
  });

  test.each([
    ["error-n-greedy", "n", "'n' must be 1 where 'temperature' is 0: all choices would be the same."],
    ["error-image-part", "messages", "This model reads text only: 'messages' may hold no image, audio or video."],
    [
      "error-min-over-max-tokens",
      "min_tokens",
      "'min_tokens' must not exceed the most tokens that the completion may have.",
    ],
    [
      "chat-continue-final-both",
      "continue_final_message",
      "'continue_final_message' needs 'add_generation_prompt' to be false.",
    ],
    [
      "error-response-format-bad-schema",
      "response_format",
      "The schema or pattern in 'response_format' is not valid, or uses what this model cannot be held to.",
    ],
    [
      "error-structured-bad-regex",
      "structured_outputs",
      "The regular expression in 'structured_outputs' is not a valid one.",
    ],
    ["embed-error-empty", "input", "'input' is missing or empty, or holds an empty text."],
    ["error-stop-too-many", "stop", "This model takes at most 4 texts in 'stop'."],
    ["completions-token-ids-out-of-vocab", "prompt", "'prompt' holds a token id that this model's vocabulary lacks."],
    ["error-completions-missing-prompt", "prompt", "'prompt' is missing or empty, or holds an empty text."],
    ["embed-error-out-of-vocab", "input", "'input' holds a token id that this model's vocabulary lacks."],
    [
      "error-top-logprobs-21",
      "top_logprobs",
      "'top_logprobs' wants more log-probabilities for each token than this model reports.",
    ],
    [
      "error-completions-logprobs-21",
      "logprobs",
      "'logprobs' wants more log-probabilities for each token than this model reports.",
    ],
    ["error-temperature-string", "temperature", "'temperature' must be a number."],
    ["error-tools-malformed", "tools[0].function", "'tools[0].function' is missing."],
    ["error-message-without-role", "messages[0].role", "'messages[0].role' is missing."],
    ["error-message-content-number", "messages[0].content", "'messages[0].content' must be a string or a list."],
    ["error-seed-too-big", "seed", "'seed' is too large."],
    [
      "error-response-format-unknown",
      "response_format.type",
      "'response_format.type' is none of the values allowed here.",
    ],
  ])("%s names '%s' and the cause", (name, param, message) => {
    const refusal = translate(name);
    expect([refusal.code, refusal.details.param, refusal.details.message]).toEqual(["invalid_value", param, message]);
  });

  test("each that refuses the request names its cause, but those that are general on purpose", () => {
    const isGeneral = ({ details }: Refusal) => details.message?.startsWith("The engine of this model") ?? false;
    const found = refused.filter(([, one]) => isGeneral(translateError(one.status, one.body, readCall(one))));
    expect(found.map(([name]) => name).sort()).toEqual(general.toSorted());
    expect(refused.length).toBeGreaterThan(80);
  });

  test("each row of the table is a recorded reason, and no reason has two", () => {
    const messages = refused.map(([, one]) => readMessage(one));
    for (const { pattern } of refusedReasons)
      expect([pattern, messages.some((text) => pattern.test(text))]).toEqual([pattern, true]);
    const isShadowed = (text: string) => refusedReasons.filter(({ pattern }) => pattern.test(text)).length > 1;
    expect(messages.filter(isShadowed).filter((text) => !text.includes("invalid regex"))).toEqual([]);
  });

  test("of pydantic's faults all that were recorded have a sentence", () => {
    const kinds = refused.flatMap(([, one]) =>
      Array.from(readMessage(one).matchAll(/'type': '(\w+)', 'loc'/g), ([, kind]) => kind ?? ""),
    );
    // The first is a reason of its own; the second says of a union only that its value has another class.
    const passed = new Set(["json_invalid", "is_instance_of"]);
    const isUnknown = (kind: string) => !(kind in expectedTypes || kind in brokenBounds || passed.has(kind));
    expect(Array.from(new Set(kinds)).filter(isUnknown)).toEqual([]);
  });

  test("of none does a word of the engine's message leave, but the limit in OpenAI's sentence on it", () => {
    // vLLM's first sentence on a full context is OpenAI's, which clients know it by; its number is the only one told.
    const shared = /^This model's maximum context length is \d+ tokens$/;
    let checked = 0;
    for (const [, recorded] of errors) {
      const ours = JSON.stringify(buildErrorBody(translateError(recorded.status, recorded.body, readCall(recorded))));
      const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(recorded.body)?.[1] ?? "";
      const sentences = message.split(/[.\n]/).map((part) => part.trim());
      for (const sentence of sentences.filter((part) => part.length > 20 && !shared.test(part)))
        expect(ours).not.toContain(sentence);
      checked++;
    }
    expect(checked).toBeGreaterThan(100);
  });

  test("a full context is known as such by status and words together", () => {
    const { status, body } = readRecording<Recorded>("embed-error-context-length");
    const codes = [status, 500].map((known) => translateError(known, body, completions).code);
    expect(codes).toEqual(["context_length_exceeded", "bad_gateway"]);
  });
});

describe("a reason that vLLM did not give in these words", () => {
  const refuse = (message: string, param: string | null = null) =>
    translateError(400, JSON.stringify({ error: { message, param } }), chat);

  test("stays general, with the field where the engine names one", () => {
    expect(refuse("secret-canary").details).toMatchObject({
      message: "The engine of this model does not accept this request.",
    });
    expect(refuse("secret-canary", "top_k").details).toMatchObject({
      param: "top_k",
      message: "The engine of this model does not accept the value of 'top_k'.",
    });
    expect(refuse("1 validation error:\n  {'type': 'canary', 'loc': 'body.seed', 'msg': 'x'}").details).toMatchObject({
      param: "seed",
      message: "The engine of this model does not accept the value of 'seed'.",
    });
  });

  test("names a place in the older form of pydantic as well", () => {
    const { details } = refuse("[{'type': 'missing', 'loc': ('body', 'messages', 0, 'role'), 'msg': 'x'}]");
    expect(details).toMatchObject({ param: "messages[0].role", message: "'messages[0].role' is missing." });
  });
});

describe("any error", () => {
  test.each([
    [401, '{"error":"Unauthorized"}', "bad_gateway"],
    [403, "", "bad_gateway"],
    [404, "<html>", "bad_gateway"],
    [408, "", "gateway_timeout"],
    [413, "", "request_too_large"],
    [422, '{"detail":"x"}', "invalid_value"],
    [429, "", "server_is_overloaded"],
    [501, "", "unsupported_parameter"],
    [503, "", "no_healthy_backends"],
    [302, "", "bad_gateway"],
    [200, "", "bad_gateway"],
  ])("%i %s is %s", (status, body, code) => {
    expect(translateError(status, body, completions).code).toBe(code);
  });

  test("what an engine does not do is named, in our words", () => {
    const refusal = translateError(
      501,
      '{"error":{"message":"secret-canary","param":"messages[0].content[1].type"}}',
      chat,
    );
    expect([refusal.code, refusal.details.param]).toEqual(["unsupported_parameter", "messages[0].content[1].type"]);
    expect(JSON.stringify(buildErrorBody(refusal))).not.toContain("secret-canary");
  });

  test("never throws, and never repeats the engine's words", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.string(), fc.json(), (status, message, json) => {
        for (const body of [
          json,
          JSON.stringify({ error: { message: `secret-canary ${message}`, param: `secret-canary ${message}` } }),
        ]) {
          expect(JSON.stringify(buildErrorBody(translateError(status, body, completions)))).not.toContain(
            "secret-canary",
          );
        }
      }),
    );
  });

  test("retry-after is believed in whole seconds, from 1 to 60", () => {
    const retry = (header?: string) => translateError(429, "", completions, header).details.retryAfterMs;
    expect([retry("5"), retry("0"), retry("99999"), retry("soon"), retry()]).toEqual([
      5_000, 1_000, 60_000, 1_000, 1_000,
    ]);
  });
});
