import { describe, expect, test } from "vitest";
import {
  buildErrorBody,
  buildErrorHeaders,
  OutOfReach,
  describeCause,
  obeyedWaitMsMax,
  Refusal,
  refusalCodes,
  refusals,
  type RefusalCode,
} from "#edge/errors.ts";

const codes = Object.keys(refusals) as RefusalCode[];

/** Status and type of every code, as docs/errors.md promises them, written out by hand. */
const promised: Record<RefusalCode, [number, string]> = {
  invalid_api_key: [401, "authentication_error"],
  ip_not_authorized: [401, "authentication_error"],
  project_archived: [403, "permission_error"],
  not_signed_in: [401, "authentication_error"],
  invalid_code: [400, "invalid_request_error"],
  sign_in_failed: [400, "invalid_request_error"],
  sign_up_closed: [403, "permission_error"],
  cross_origin: [403, "permission_error"],
  session_too_old: [403, "permission_error"],
  second_factor_required: [403, "permission_error"],
  mail_unavailable: [503, "server_error"],
  org_suspended: [403, "permission_error"],
  insufficient_permissions: [403, "permission_error"],
  model_not_found: [404, "invalid_request_error"],
  unknown_url: [404, "invalid_request_error"],
  not_found: [404, "invalid_request_error"],
  method_not_allowed: [405, "invalid_request_error"],
  invalid_json: [400, "invalid_request_error"],
  invalid_value: [400, "invalid_request_error"],
  previous_response_not_found: [400, "invalid_request_error"],
  unsupported_parameter: [400, "invalid_request_error"],
  context_length_exceeded: [400, "invalid_request_error"],
  request_timeout: [408, "invalid_request_error"],
  request_too_large: [413, "invalid_request_error"],
  unsupported_content_encoding: [415, "invalid_request_error"],
  rate_limit_exceeded: [429, "rate_limit_error"],
  concurrency_exceeded: [429, "rate_limit_error"],
  insufficient_quota: [429, "insufficient_quota"],
  idempotency_in_progress: [409, "invalid_request_error"],
  idempotency_replayed: [409, "invalid_request_error"],
  idempotency_mismatch: [409, "invalid_request_error"],
  precondition_failed: [412, "invalid_request_error"],
  conflict: [409, "invalid_request_error"],
  quota_unavailable: [503, "server_error"],
  store_unavailable: [503, "server_error"],
  no_healthy_backends: [503, "server_error"],
  server_is_overloaded: [503, "server_error"],
  gateway_timeout: [504, "server_error"],
  bad_gateway: [502, "server_error"],
  stream_broken: [502, "server_error"],
  misconfigured: [500, "server_error"],
  internal: [500, "server_error"],
};

describe("the table of refusals", () => {
  test("has exactly the promised rows", () => expect(codes.toSorted()).toEqual(Object.keys(promised).toSorted()));

  for (const code of codes) {
    test(`'${code}' answers ${promised[code]?.join(" ")}, with all four keys and a sentence`, () => {
      const refusal = new Refusal(code);
      expect([refusal.status, refusals[code].type]).toEqual(promised[code]);
      const { error } = buildErrorBody(refusal);
      expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
      expect(error).toEqual({
        message: expect.stringMatching(/^[A-Z].*\.$/),
        type: refusals[code].type,
        param: null,
        code,
      });
    });

    test(`'${code}' keeps our log and its cause to itself`, () => {
      const refusal = new Refusal(code, {
        log: "CANARY",
        cause: new Error("CANARY"),
        param: "a",
        retryAfterMs: 1,
        mayRetry: false,
        headers: { "x-a": "b" },
        extra: { more: 1 },
      });
      expect(JSON.stringify([buildErrorBody(refusal), buildErrorHeaders(refusal)])).not.toContain("CANARY");
      expect(refusal.message).toBe("CANARY");
    });
  }

  test("distinguishes its own codes from any other word", () => {
    for (const code of codes) expect(refusalCodes.safeParse(code).success).toBe(true);
    for (const other of ["", "toString", "__proto__", "constructor", "Internal", 400, null, undefined, {}])
      expect(refusalCodes.safeParse(other).success, String(other)).toBe(false);
  });
});

describe("details", () => {
  test("'message' replaces the sentence, 'param' is passed on, 'extra' stands beside the four", () => {
    const { error } = buildErrorBody(
      new Refusal("idempotency_replayed", { message: "No.", param: "a[0].b", extra: { first_call: { id: 1 } } }),
    );
    expect(error).toEqual({
      message: "No.",
      type: "invalid_request_error",
      param: "a[0].b",
      code: "idempotency_replayed",
      first_call: { id: 1 },
    });
  });

  test("errors are JSON, never stored", () => {
    for (const code of codes)
      expect(buildErrorHeaders(new Refusal(code))).toMatchObject({
        "content-type": "application/json",
        "cache-control": "no-store",
      });
  });

  test("401 names the scheme, and nothing else does", () => {
    for (const code of codes)
      expect(buildErrorHeaders(new Refusal(code))["www-authenticate"], code).toBe(
        refusals[code].status === 401 ? "Bearer" : undefined,
      );
  });

  const waits: [number, string, string][] = [
    [0, "1", "1"],
    [-5, "1", "1"],
    [1, "1", "1"],
    [999, "1", "999"],
    [1_000, "1", "1000"],
    [1_001, "2", "1001"],
    [59_999.2, "60", "60000"],
    [86_400_000, "86400", "86400000"],
  ];
  for (const [ms, seconds, millis] of waits) {
    test(`a wait of ${ms} ms is sent in whole seconds and whole milliseconds, rounded up, one at least`, () => {
      expect(buildErrorHeaders(new Refusal("rate_limit_exceeded", { retryAfterMs: ms }))).toMatchObject({
        "retry-after": seconds,
        "retry-after-ms": millis,
      });
    });
  }

  test("whoever SDKs would not wait for is told not to try again, unless the refusal says otherwise", () => {
    const read = (retryAfterMs: number, mayRetry?: boolean) =>
      buildErrorHeaders(new Refusal("rate_limit_exceeded", { retryAfterMs, mayRetry }))["x-should-retry"];
    expect([read(obeyedWaitMsMax), read(obeyedWaitMsMax + 1)]).toEqual([undefined, "false"]);
    expect([read(obeyedWaitMsMax + 1, true), read(1, false)]).toEqual(["true", "false"]);
  });

  test("what is not given is not in the headers", () => {
    expect(Object.keys(buildErrorHeaders(new Refusal("internal"))).toSorted()).toEqual([
      "cache-control",
      "content-type",
    ]);
    expect(buildErrorHeaders(new Refusal("internal", { mayRetry: false }))["x-should-retry"]).toBe("false");
    expect(buildErrorHeaders(new Refusal("internal", { mayRetry: true }))["x-should-retry"]).toBe("true");
    expect(
      buildErrorHeaders(new Refusal("rate_limit_exceeded", { headers: { "x-ratelimit-limit-requests": "60" } }))[
        "x-ratelimit-limit-requests"
      ],
    ).toBe("60");
  });
});

test("a reason for the log is in our own words or by its name, never in those of somebody else's error", () => {
  expect(describeCause(new OutOfReach("redis: status 503"))).toBe("redis: status 503");
  expect(
    [new TypeError("CANARY"), new Error("CANARY", { cause: new OutOfReach("CANARY") }), "CANARY", undefined].map(
      describeCause,
    ),
  ).toEqual(["TypeError", "Error", "unknown", "unknown"]);
  expect([new OutOfReach("gone"), new OutOfReach("full", false)].map(({ wasSent: wasAsked }) => wasAsked)).toEqual([
    true,
    false,
  ]);
});
