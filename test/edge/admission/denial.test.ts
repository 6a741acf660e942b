import { describe, expect, test } from "vitest";
import { explainDenial, rateHeaders } from "#edge/admission/denial.ts";
import { Limits } from "#edge/agreements/records/quota.ts";
import { buildErrorBody, buildErrorHeaders } from "#edge/errors.ts";
import type { Denial } from "#edge/ledger/port.ts";
import { refuseModel } from "#edge/protocol/openai/models.ts";
import { quota, rates, terms } from "./world.ts";

const { hold } = terms;

describe("a denial becomes a refusal", () => {
  const first = { hold: hold, responseId: "chatcmpl-1", promptTokens: 3, completionTokens: 4 };
  const limit = {
    kind: "denial",
    window: "requestsPerMinute",
    of: "key",
    limit: 60,
    retryAfterMs: 12_300,
    resetAtMs: 0,
    tokensRemaining: null,
    rates,
  } as const;
  const table: [Denial, string, number, Record<string, string | undefined>][] = [
    [
      { kind: "denial", reason: "key" },
      "invalid_api_key",
      401,
      { "www-authenticate": "Bearer", "retry-after": undefined },
    ],
    [{ kind: "denial", reason: "ip" }, "ip_not_authorized", 401, {}],
    [{ kind: "denial", reason: "endpoint" }, "insufficient_permissions", 403, {}],
    [{ kind: "denial", reason: "model" }, "model_not_found", 404, { "x-ratelimit-limit-requests": undefined }],
    [
      { kind: "denial", reason: "idempotency_in_progress", retryAfterMs: 1_500 },
      "idempotency_in_progress",
      409,
      { "retry-after": "2", "retry-after-ms": "1500", "x-should-retry": undefined },
    ],
    [{ kind: "denial", reason: "idempotency_mismatch" }, "idempotency_mismatch", 409, { "x-should-retry": "false" }],
    [
      { kind: "denial", reason: "idempotency_replayed", first },
      "idempotency_replayed",
      409,
      { "x-should-retry": "false" },
    ],
    [
      { ...limit, reason: "rate" },
      "rate_limit_exceeded",
      429,
      {
        "retry-after": "13",
        "retry-after-ms": "12300",
        "x-should-retry": undefined,
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "59.999s",
        "x-ratelimit-reset-tokens": "6m0s",
      },
    ],
    [
      { ...limit, reason: "concurrency", window: "concurrency" },
      "concurrency_exceeded",
      429,
      { "retry-after": "13", "x-ratelimit-limit-tokens": "1000" },
    ],
    [
      quota(12),
      "insufficient_quota",
      429,
      { "retry-after": "3600", "x-should-retry": "false", "x-ratelimit-remaining-tokens": "12" },
    ],
  ];
  for (const [denial, code, status, headers] of table) {
    test(`${denial.reason} -> ${status} ${code}`, () => {
      const refusal = explainDenial(denial);
      expect([refusal.code, refusal.status]).toEqual([code, status]);
      const written = buildErrorHeaders(refusal);
      for (const [name, value] of Object.entries(headers)) expect(written[name], name).toBe(value);
    });
  }

  test("says which window, whose, how much, and when it opens", () => {
    expect(explainDenial({ ...limit, reason: "rate" }).details.message).toBe(
      "Rate limit reached: requests per minute (this key's limit is 60). Try again in 12.3s.",
    );
    expect(explainDenial({ ...limit, reason: "concurrency", window: "concurrency" }).details.message).toBe(
      "Too many calls at once: concurrent calls (this key's limit is 60).",
    );
    expect(explainDenial(quota(0)).details.message).toBe(
      "The quota is used up: tokens per day (the organization's limit is 1000). " +
        "It opens again at 2026-11-21T00:00:00.000Z.",
    );
    for (const window of Limits.keyof().options) {
      const words =
        { concurrency: "concurrent calls", costMicrosPerMonth: "spend per month, in millionths" }[String(window)] ??
        window.replaceAll(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
      for (const reason of ["rate", "concurrency", "quota"] as const)
        expect(explainDenial({ ...limit, reason, window }).details.message).toContain(
          `: ${words} (this key's limit is 60).`,
        );
      for (const reason of ["rate", "concurrency", "quota"] as const)
        expect(explainDenial({ ...limit, reason, window }).details.message).not.toMatch(/undefined|NaN|null/);
    }
  });

  test("of a model that is not theirs, callers hear what they hear of one that is not there", () => {
    for (const name of ["chat", "Org/Model-1", ""])
      expect(buildErrorBody(explainDenial({ kind: "denial", reason: "model" }, name))).toEqual(
        buildErrorBody(refuseModel(name)),
      );
  });

  test("a replay tells what the first call used, never its content", () => {
    expect(
      buildErrorBody(explainDenial({ kind: "denial", reason: "idempotency_replayed", first })).error,
    ).toMatchObject({
      first_call: {
        id: "chatcmpl-1",
        hold: hold,
        usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
      },
    });
  });
});

describe("rates in headers", () => {
  test("a window without a limit has no headers", () => {
    expect(rateHeaders({ requests: null, tokens: null })).toEqual({});
    expect(
      Object.keys(rateHeaders({ requests: null, tokens: rates.tokens })).every((name) => name.endsWith("-tokens")),
    ).toBe(true);
  });
});
