import { expect, test } from "vitest";
import { CallEndpoint } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { findProtocol, protocols, wires } from "#edge/protocol/wires/wires.ts";

const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));

test.each(CallEndpoint.options)(
  "a stream of %s that broke ends with something that no SDK takes for an end",
  (name) => {
    const { stream } = wires[name];
    const text = textOf(stream.encodeError(new Refusal("stream_broken"))) ?? "";
    expect(text).toContain("stream_broken");
    expect(text).not.toMatch(/\[DONE\]|message_stop|response\.completed|"done":true/);
    expect(text.endsWith("\n")).toBe(true);
    expect(stream.headers["content-type"]).toContain(stream.contentType);
    if (stream.waitSign) expect(textOf(stream.waitSign)).toMatch(/^(: |event: ping\n)[^\r]*\n\n$/);
  },
);

test.each(CallEndpoint.options)("a refusal at %s keeps its code and the headers that say when to try again", (name) => {
  const wire = wires[name];
  const refusal = new Refusal("rate_limit_exceeded", { retryAfterMs: 1_500 });
  expect(JSON.stringify(wire.buildError(refusal, "req_1"))).toContain("Rate limit reached.");
  expect(wire.readStatus(refusal)).toBe(429);
  expect(wire.addHeaders({ "retry-after": "2", "x-request-id": "req_1" }, 0)).toMatchObject({ "retry-after": "2" });
});

test("whoever asks for what is no call is known by the path, or by what Anthropic's clients send", () => {
  const find = (path: string, headers: Record<string, string> = {}) => findProtocol(path, new Headers(headers));
  expect(find("/v1/models")).toBe("openai");
  expect(find("/v1/models", { "anthropic-version": "2023-06-01" })).toBe("anthropic");
  expect(find("/v1/messages/batches")).toBe("anthropic");
  expect(find("/api/pull")).toBe("ollama");
  expect(Object.keys(protocols)).toEqual(["openai", "anthropic", "ollama"]);
});
