import { expect, test } from "vitest";
import { Refusal, refusalCodes, refusals } from "#edge/errors.ts";
import { buildError, readStatus } from "#edge/protocol/anthropic/errors.ts";

/** What Anthropic's own table says, and ours where it says nothing. */
const expected: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "invalid_request_error",
  409: "conflict_error",
  412: "invalid_request_error",
  413: "request_too_large",
  415: "invalid_request_error",
  429: "rate_limit_error",
  500: "api_error",
  502: "api_error",
  503: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

test("every refusal has Anthropic's form, its type by its status, and our own code beside", () => {
  for (const code of Object.keys(refusals)) {
    const refusal = new Refusal(refusalCodes.parse(code), {
      param: "model",
      message: "About 'model'.",
      log: "CANARY",
      cause: new Error("CANARY"),
    });
    const status = readStatus(refusal);
    expect(buildError(refusal, "req_1")).toEqual({
      type: "error",
      error: { type: expected[status], message: "About 'model'.", param: "model", code },
      request_id: "req_1",
    });
  }
});

test("a message says which member is meant, as clients show nothing beside it", () => {
  const say = (code: "unsupported_parameter" | "context_length_exceeded", message: string) =>
    buildError(new Refusal(code, { param: "tools[1].type", message }), null).error.message;
  expect(say("unsupported_parameter", "Not that.")).toBe("tools[1].type: Not that.");
  expect(say("unsupported_parameter", "Not 'tools[1].type'.")).toBe("Not 'tools[1].type'.");
  expect(say("context_length_exceeded", "This model's maximum")).toBe("This model's maximum");
});

test("who has no room says 529, which Anthropic's clients wait for; a store that is away does not", () => {
  expect(readStatus(new Refusal("server_is_overloaded"))).toBe(529);
  expect(readStatus(new Refusal("no_healthy_backends"))).toBe(529);
  expect(readStatus(new Refusal("quota_unavailable"))).toBe(503);
  expect(readStatus(new Refusal("rate_limit_exceeded"))).toBe(429);
});

test("what a refusal adds to its error stays there, and within a stream there is no id", () => {
  const refusal = new Refusal("idempotency_replayed", { extra: { first_call: { id: "x" } }, message: "Once." });
  expect(buildError(refusal, null)).toEqual({
    type: "error",
    error: {
      type: "conflict_error",
      message: "Once.",
      param: null,
      code: "idempotency_replayed",
      first_call: { id: "x" },
    },
  });
});
