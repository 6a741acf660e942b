import { expect, test } from "vitest";
import { Refusal, refusals } from "#edge/errors.ts";
import { buildOllamaError, ollamaForm } from "#edge/protocol/ollama/form.ts";
import { OllamaError } from "#edge/protocol/ollama/answers.ts";

test("a refusal is a text under `error`, with our code, its member and what else it tells beside it", () => {
  const refusal = new Refusal("invalid_value", {
    param: "x",
    message: "'x' is wrong.",
    extra: { first_call: { id: "1" } },
  });
  expect(buildOllamaError(refusal)).toEqual({
    error: "'x' is wrong.",
    param: "x",
    code: "invalid_value",
    first_call: { id: "1" },
  });
  for (const code of Object.keys(refusals) as (keyof typeof refusals)[]) {
    const body = ollamaForm.buildError(new Refusal(code), "req_1");
    expect(OllamaError.parse(body)).toMatchObject({ error: refusals[code].message, param: null, code });
    expect(ollamaForm.readStatus(new Refusal(code))).toBe(refusals[code].status);
  }
});

test("the text says which member is meant, as clients show nothing beside it", () => {
  const { error } = buildOllamaError(new Refusal("invalid_value", { param: "model", message: "It does not chat." }));
  expect(error).toBe("model: It does not chat.");
});

test("a stream is lines of JSON without signs of life, and a failure is one of them", () => {
  const { stream, addHeaders } = ollamaForm;
  expect([stream.waitSign, stream.contentType]).toEqual([null, "application/x-ndjson"]);
  const line = new TextDecoder().decode(stream.encodeError(new Refusal("stream_broken")));
  expect(line).toMatch(/^\{"error":"[^\n]*\}\n$/);
  expect(addHeaders({ a: "b" }, 0)).toEqual({ a: "b" });
});

test("half a line and the line of a failure are no JSON together, wherever it broke off", () => {
  const whole = JSON.stringify({ model: "m", message: { content: 'a"\\u00e9\\' }, list: [1, true], done: true });
  const error = new TextDecoder().decode(ollamaForm.stream.encodeError(new Refusal("stream_broken")));
  for (let at = 1; at <= whole.length; at++) expect(() => JSON.parse(whole.slice(0, at) + error)).toThrow(SyntaxError);
});
