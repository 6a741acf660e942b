import { expect, test } from "vitest";
import { GgufError } from "#origin/gguf/gguf-error.ts";
import { translateError } from "#origin/engines/translate.ts";

test("a fault is written in vLLM's form, which the agent understands", () => {
  expect(new GgufError(501, "n is not supported", "n").body).toEqual({
    error: { message: "n is not supported", type: "NotImplementedError", param: "n", code: 501 },
  });
  const translate = (status: 400 | 404 | 501 | 503, param: string | null = null) => {
    const { code, details } = translateError(status, JSON.stringify(new GgufError(status, "x", param).body), {
      path: "/v1/chat/completions",
      body: {},
    });
    return [code, details.param];
  };
  expect([translate(501, "n"), translate(400, "temperature"), translate(503), translate(404, "model")]).toEqual([
    ["unsupported_parameter", "n"],
    ["invalid_value", "temperature"],
    ["server_is_overloaded", undefined],
    ["bad_gateway", undefined],
  ]);
  const tooLong = new GgufError(400, "maximum context length is 10 tokens");
  const call = { path: "/v1/chat/completions", body: {} } as const;
  expect(translateError(400, JSON.stringify(tooLong.body), call).code).toBe("context_length_exceeded");
});
