import { expect, test } from "vitest";
import {
  writeError,
  makeInvalid,
  makeProblem,
  makeQueueFull,
  makeUnknownModel,
  makeWrongMediaType,
} from "#infra/simulator/problems.ts";

// Each line is what a vLLM 0.32.0 answered.
test("problems are vLLM's to the byte", () => {
  expect(makeProblem("max_tokens must be at least 1, got 0.", "max_tokens", 0).body).toBe(
    '{"error":{"message":"max_tokens must be at least 1, got 0. (parameter=max_tokens, ' +
      'value=0)","type":"BadRequestError","param":"max_tokens","code":400}}',
  );
  expect(makeUnknownModel("nope", ["Qwen/Qwen2.5-7B-Instruct", "chat"]).body).toBe(
    '{"error":{"message":"The model `nope` does not exist. Valid aliases: Qwen/Qwen2.5-7B-Instruct, ' +
      'chat.","type":"NotFoundError","param":"model","code":404}}',
  );
  expect(
    makeInvalid([{ type: "missing", loc: "body.messages", msg: "Field required", input: { model: "chat" } }]).body,
  ).toBe(
    `{"error":{"message":"1 validation error:\\n  {'type': 'missing', 'loc': 'body.messages', 'msg': 'Field ` +
      `required', 'input': '<dict of 1 items>'}","type":"Bad Request","param":"body.messages","code":400}}`,
  );
});

test("several flaws are listed, and the first is named", () => {
  const flaw = { type: "int_type", msg: "It isn't", input: null };
  const { message, body } = makeInvalid([
    { ...flaw, loc: "body.a" },
    { ...flaw, loc: "body.b" },
  ]);
  expect(message).toBe(
    `2 validation errors:\n  {'type': 'int_type', 'loc': 'body.a', 'msg': "It isn't", 'input': 'None'}\n` +
      `  {'type': 'int_type', 'loc': 'body.b', 'msg': "It isn't", 'input': 'None'}`,
  );
  expect(body).toContain('"param":"body.a"');
});

test("statuses are the engine's", () => {
  expect([
    makeQueueFull().status,
    makeWrongMediaType().status,
    makeProblem("x").status,
    makeUnknownModel("a", null).status,
  ]).toEqual([503, 400, 400, 404]);
  expect(writeError(500, "x", "y", null)).toBe('{"error":{"message":"x","type":"y","param":null,"code":500}}');
});
