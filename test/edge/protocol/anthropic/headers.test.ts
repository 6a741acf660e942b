import { expect, test } from "vitest";
import { addHeaders } from "#edge/protocol/anthropic/headers.ts";
import { buildWindowHeaders } from "#edge/protocol/rate-headers.ts";

const nowMs = Date.parse("2026-01-02T03:04:05.250Z");

test("limits stand beside ours under Anthropic's names, and say when they are free as a time, never too early", () => {
  const ours = {
    "x-request-id": "req_1",
    ...buildWindowHeaders("requests", { limit: 60, remaining: 59, resetMs: 1_000 }),
    ...buildWindowHeaders("tokens", { limit: 1_000, remaining: 0, resetMs: 3_600_000 }),
  };
  expect(addHeaders(ours, nowMs)).toEqual({
    ...ours,
    "request-id": "req_1",
    "anthropic-ratelimit-requests-limit": "60",
    "anthropic-ratelimit-requests-remaining": "59",
    "anthropic-ratelimit-requests-reset": "2026-01-02T03:04:07Z",
    "anthropic-ratelimit-tokens-limit": "1000",
    "anthropic-ratelimit-tokens-remaining": "0",
    "anthropic-ratelimit-tokens-reset": "2026-01-02T04:04:06Z",
  });
});

test("what an answer does not say is not made up", () => {
  expect(addHeaders({ "x-ratelimit-reset-tokens": "soon" }, nowMs)).toEqual({ "x-ratelimit-reset-tokens": "soon" });
});
