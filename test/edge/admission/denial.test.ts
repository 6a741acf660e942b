import { describe, expect, test } from "vitest";
import { explainDenial, rateHeaders, readLastWaitMs, type DeniedCall } from "#edge/admission/denial.ts";
import { Limits } from "#edge/agreements/records/quota.ts";
import { buildErrorBody, buildErrorHeaders } from "#edge/errors.ts";
import type { Denial } from "#edge/ledger/port.ts";
import { refuseModel } from "#edge/protocol/openai/models.ts";
import { quota, rates, terms } from "./world.ts";

const { hold } = terms;
const asked: DeniedCall = {
  named: { name: "chat", id: null },
  choices: 1,
  completionTokens: 2_048,
  mayClamp: false,
  rename: (param) => param,
};

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
    [{ kind: "denial", reason: "project" }, "project_archived", 403, { "retry-after": undefined }],
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
    expect(
      explainDenial({ ...limit, of: "project", reason: "concurrency", window: "concurrency" }).details.message,
    ).toBe("Too many calls at once: concurrent calls (this project's limit is 60).");
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
      expect(
        buildErrorBody(explainDenial({ kind: "denial", reason: "model" }, { ...asked, named: { name, id: null } })),
      ).toEqual(buildErrorBody(refuseModel(name)));
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

describe("tokens or money that do not suffice", () => {
  const day = {
    kind: "denial",
    reason: "quota",
    window: "tokensPerDay",
    of: "key",
    limit: 1_500,
    resetAtMs: Date.UTC(2026, 10, 21),
    tokensRemaining: 600,
    rates,
  } as const;
  const says = (denial: Denial, call: DeniedCall | null = asked) => {
    const refusal = explainDenial(denial, call);
    const headers = buildErrorHeaders(refusal);
    return [refusal.code, headers["x-should-retry"], headers["retry-after-ms"], refusal.details.message];
  };
  const lower = "Lower 'max_tokens', or send 'x-penstock-clamp: true' to have it lowered to what is free.";

  test("a call larger than what is left once all calls end: its need, what is free and held, what to do", () => {
    const demand = { need: 1_074, held: 300, settled: 600 };
    expect(says({ ...day, retryAfterMs: 3_600_000, demand })).toEqual([
      "insufficient_quota",
      "false",
      "3600000",
      "This call needs 1074; 600 are free, and calls under way hold 300: " +
        `tokens per day (this key's limit is 1500). ${lower} The quota opens again at 2026-11-21T00:00:00.000Z.`,
    ]);
  });

  test("a call larger than the limit itself: that no turn of the day will help is not kept from its caller", () => {
    const demand = { need: 2_074, held: 0, settled: 0 };
    const numbers = "This call needs 2074; 1500 are free, and calls under way hold 0";
    expect(says({ ...day, retryAfterMs: 3_600_000, demand })).toEqual([
      "insufficient_quota",
      "false",
      "3600000",
      `${numbers}: tokens per day (this key's limit is 1500). ${lower}`,
    ]);
    expect(says({ ...day, reason: "rate", window: "tokensPerMinute", retryAfterMs: 60_900, demand })).toEqual([
      "rate_limit_exceeded",
      "false",
      "60000",
      `${numbers}: tokens per minute (this key's limit is 1500). ${lower}`,
    ]);
  });

  test("what only calls under way hold is no used-up quota, but worth another try", () => {
    for (const window of ["tokensPerDay", "tokensPerMonth", "costMicrosPerMonth"] as const)
      expect(
        says({ ...day, window, retryAfterMs: 1_000, demand: { need: 900, held: 900, settled: 600 } }),
      ).toMatchObject([
        "rate_limit_exceeded",
        undefined,
        "1000",
        expect.stringMatching(
          /^This call needs 900; 0 are free, and calls under way hold 900: .+ when they end\. Try again in 1s\. L/,
        ),
      ]);
  });

  test("a quota is used up when nothing of it is left, and a day's requests when all have begun", () => {
    const usedUp = ["insufficient_quota", "false", "5000", expect.stringMatching(/^The quota is used up: /)];
    for (const demand of [
      { need: 1, held: 0, settled: 1_500 },
      { need: 9_999, held: 30, settled: 1_600 },
    ])
      expect(says({ ...day, retryAfterMs: 5_000, demand })).toEqual(usedUp);
    const requests = { need: 1, held: 1_500, settled: 0 };
    expect(says({ ...day, window: "requestsPerDay", retryAfterMs: 5_000, demand: requests })).toEqual(usedUp);
    expect(says({ ...day, retryAfterMs: 5_000 })).toEqual(usedUp);
  });

  test("nobody is sent to a way that is not theirs", () => {
    const denial: Denial = { ...day, retryAfterMs: 1_000, demand: { need: 1_600, held: 0, settled: 0 } };
    const ways = (call: Partial<DeniedCall>) => String(says(denial, { ...asked, ...call })[3]).split("1500). ")[1];
    const rename = () => "options.num_predict";
    expect(ways({ mayClamp: true, rename })).toBe("A smaller 'options.num_predict' or a shorter prompt needs less.");
    expect(ways({ mayClamp: true })).toBe("A smaller 'max_tokens' or a shorter prompt needs less.");
    expect(ways({ choices: 0 })).toBe("A shorter prompt needs less.");
    expect(ways({ completionTokens: 1 })).toBe("A shorter prompt needs less.");
    expect(ways({ choices: 2, completionTokens: 1 })).toBe(lower);
    expect(String(says(denial, null)[3])).toContain(lower);
  });
});

describe("hints that SDKs obey", () => {
  const full = {
    kind: "denial",
    reason: "rate",
    of: "org",
    limit: 60,
    resetAtMs: 0,
    tokensRemaining: null,
    rates,
  } as const;
  const hint = (denial: Denial) => {
    const headers = buildErrorHeaders(explainDenial(denial, asked));
    return [headers["retry-after"], headers["retry-after-ms"], headers["x-should-retry"]];
  };

  test.each([
    ["requestsPerMinute", 61_000, ["60", "60000", undefined]],
    ["requestsPerMinute", 60_000, ["60", "60000", undefined]],
    ["requestsPerMinute", 59_001, ["60", "59001", undefined]],
    ["tokensPerMinute", 60_001, ["60", "60000", undefined]],
    ["requestsPerHour", 59_999, ["60", "59999", undefined]],
    ["requestsPerHour", 60_000, ["60", "60000", "false"]],
    ["requestsPerHour", 3_630_000, ["3630", "3630000", "false"]],
  ] as const)("%s, open in %i ms", (window, retryAfterMs, expected) => {
    expect(hint({ ...full, window, retryAfterMs, demand: { need: 1, held: 0, settled: 60 } })).toEqual(expected);
  });

  test("what will never fit is not tried again: a limit of no requests, or of no calls at once", () => {
    const demand = { need: 1, held: 0, settled: 0 };
    const none = { ...full, limit: 0, retryAfterMs: 1_000, demand };
    expect(hint({ ...none, window: "requestsPerMinute" })[2]).toBe("false");
    expect(hint({ ...none, window: "concurrency", reason: "concurrency" })[2]).toBe("false");
  });

  test("for what a minute lacks admission waits: a sub-bucket at most, and for nothing else", () => {
    const wait = (window: "requestsPerMinute" | "tokensPerMinute" | "requestsPerHour", retryAfterMs: number) =>
      readLastWaitMs({ ...full, window, retryAfterMs });
    expect([wait("requestsPerMinute", 1_000), wait("tokensPerMinute", 1)]).toEqual([1_000, 1]);
    expect([wait("requestsPerMinute", 1_001), wait("requestsPerHour", 5)]).toEqual([null, null]);
    expect(readLastWaitMs({ kind: "denial", reason: "key" })).toBeNull();
    expect(readLastWaitMs({ ...full, reason: "concurrency", window: "concurrency", retryAfterMs: 5 })).toBeNull();
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
