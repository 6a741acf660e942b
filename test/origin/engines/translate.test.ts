import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildErrorBody } from "#edge/errors.ts";
import { isContextError, translateError } from "#origin/engines/translate.ts";
import { readRecording, readRecordings } from "#test/support/recordings.ts";

const recorded = (name: string) => readRecording<{ status: number; body: string }>(name);
const translate = (name: string) => translateError(recorded(name).status, recorded(name).body, "/v1/chat/completions");

describe("recorded errors of vLLM 0.32", () => {
  test.each([
    ["error-context-length", "context_length_exceeded", "messages"],
    ["error-context-length-stream", "context_length_exceeded", "messages"],
    ["error-max-tokens-too-large", "context_length_exceeded", "messages"],
    ["error-temperature-3", "invalid_value", "temperature"],
    ["error-temperature-string", "invalid_value", "temperature"],
    ["error-stop-too-many", "invalid_value", "stop"],
    ["error-tools-malformed", "invalid_value", "tools[0].function"],
    ["error-message-without-role", "invalid_value", "messages[0].role"],
    ["error-min-over-max-tokens", "invalid_value", undefined],
    ["error-unknown-model", "bad_gateway", undefined],
    ["queue-full", "server_is_overloaded", undefined],
    ["key-wrong", "bad_gateway", undefined],
  ])("%s becomes %s at %s", (name, code, param) => {
    const refusal = translate(name);
    expect([refusal.code, refusal.details.param]).toEqual([code, param]);
  });

  test("an embeddings prompt that is too long is named by its own field", () => {
    const { status, body } = recorded("embed-error-context-length");
    expect(translateError(status, body, "/v1/embeddings").details.param).toBe("input");
    expect(isContextError(status, body)).toBe(true);
  });

  test("of no recorded error does a word of the engine's message leave", () => {
    const errors = readRecordings<{ status: number; body: string }>().filter(([name]) =>
      /^(?:embed-)?error-/.test(name),
    );
    let checked = 0;
    for (const [, { status, body }] of errors) {
      if (typeof status !== "number" || status < 400 || typeof body !== "string") continue;
      const said = JSON.stringify(buildErrorBody(translateError(status, body, "/v1/chat/completions")));
      const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? "";
      for (const sentence of message.split(/[.\n]/).filter((part) => part.trim().length > 20))
        expect(said).not.toContain(sentence.trim());
      checked++;
    }
    expect(checked).toBeGreaterThan(40);
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
    expect(translateError(status, body, "/v1/completions").code).toBe(code);
  });

  test("what an engine does not do is named, in our words", () => {
    const refusal = translateError(
      501,
      '{"error":{"message":"secret-canary","param":"messages[0].content[1].type"}}',
      "/v1/chat/completions",
    );
    expect([refusal.code, refusal.details.param]).toEqual(["unsupported_parameter", "messages[0].content[1].type"]);
    expect(JSON.stringify(buildErrorBody(refusal))).not.toContain("secret-canary");
  });

  test("never throws, and never says what the engine said", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.string(), fc.json(), (status, message, json) => {
        for (const body of [
          json,
          JSON.stringify({ error: { message: `secret-canary ${message}`, param: `secret-canary ${message}` } }),
        ]) {
          expect(JSON.stringify(buildErrorBody(translateError(status, body, "/v1/completions")))).not.toContain(
            "secret-canary",
          );
        }
      }),
    );
  });

  test("retry-after is believed in whole seconds, from 1 to 60", () => {
    const retry = (header?: string) => translateError(429, "", "/v1/completions", header).details.retryAfterMs;
    expect([retry("5"), retry("0"), retry("99999"), retry("soon"), retry()]).toEqual([
      5_000, 1_000, 60_000, 1_000, 1_000,
    ]);
  });
});
