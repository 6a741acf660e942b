import { z } from "zod";

/**
 * Every refusal of this gateway, one row each. Programs switch on `code`, people read `message`. Answers,
 * `docs/errors.md` and a test follow from this table. Answers have OpenAI's error envelope with all four keys, always.
 */
const table = {
  invalid_api_key: { status: 401, type: "authentication_error", message: "Incorrect API key provided." },
  ip_not_authorized: {
    status: 401,
    type: "authentication_error",
    message: "This API key may not be used from your IP address.",
  },
  insufficient_permissions: {
    status: 403,
    type: "permission_error",
    message: "This API key may not use this endpoint.",
  },
  project_archived: {
    status: 403,
    type: "permission_error",
    message: "This API key's project is archived.",
  },
  not_signed_in: { status: 401, type: "authentication_error", message: "Sign in first." },
  invalid_code: {
    status: 400,
    type: "invalid_request_error",
    message: "The code is wrong, has been used, or is too old.",
  },
  sign_in_failed: {
    status: 400,
    type: "invalid_request_error",
    message: "This does not prove who you are. Begin again.",
  },
  sign_up_closed: {
    status: 403,
    type: "permission_error",
    message: "No new account can be made here with this address. Ask whoever is in charge for an invitation.",
  },
  cross_origin: {
    status: 403,
    type: "permission_error",
    message: "A browser that is signed in may write from this gateway's own pages only, and only JSON.",
  },
  session_too_old: {
    status: 403,
    type: "permission_error",
    message: "You signed in too long ago for this. Sign in again.",
  },
  second_factor_required: {
    status: 403,
    type: "permission_error",
    message: "Confirm this session with your second factor first.",
  },
  org_suspended: {
    status: 403,
    type: "permission_error",
    message: "The organization is suspended; its admin keys may only read.",
  },
  model_not_found: {
    status: 404,
    type: "invalid_request_error",
    message: "The model does not exist or you do not have access to it.",
  },
  unknown_url: { status: 404, type: "invalid_request_error", message: "Unknown request URL." },
  not_found: { status: 404, type: "invalid_request_error", message: "No such object exists." },
  method_not_allowed: { status: 405, type: "invalid_request_error", message: "This URL does not support this method." },
  invalid_json: { status: 400, type: "invalid_request_error", message: "The body is not valid JSON." },
  invalid_value: { status: 400, type: "invalid_request_error", message: "A field has a value that is not allowed." },
  previous_response_not_found: {
    status: 400,
    type: "invalid_request_error",
    message: "The response that 'previous_response_id' names is not stored.",
  },
  unsupported_parameter: { status: 400, type: "invalid_request_error", message: "A parameter is not supported." },
  context_length_exceeded: {
    status: 400,
    type: "invalid_request_error",
    // Clients know a full context by the words that this begins with (protocol/openai/bounds/context-length.ts).
    message:
      "This model's maximum context length is too small for the prompt and the requested completion. " +
      "Please reduce the length of either.",
  },
  request_timeout: {
    status: 408,
    type: "invalid_request_error",
    message: "The request body did not arrive in time.",
  },
  request_too_large: { status: 413, type: "invalid_request_error", message: "The request body is too large." },
  unsupported_content_encoding: {
    status: 415,
    type: "invalid_request_error",
    message: "Request bodies must not be encoded; remove Content-Encoding.",
  },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error", message: "Rate limit reached." },
  concurrency_exceeded: { status: 429, type: "rate_limit_error", message: "Too many concurrent calls." },
  insufficient_quota: { status: 429, type: "insufficient_quota", message: "The quota is used up." },
  idempotency_in_progress: {
    status: 409,
    type: "invalid_request_error",
    message: "A call with this Idempotency-Key is still running.",
  },
  idempotency_replayed: {
    status: 409,
    type: "invalid_request_error",
    message: "A call with this Idempotency-Key has already run; its answer is not stored.",
  },
  idempotency_mismatch: {
    status: 409,
    type: "invalid_request_error",
    message: "This Idempotency-Key was used with another body.",
  },
  precondition_failed: {
    status: 412,
    type: "invalid_request_error",
    message: "The object has changed since you read it: its version is not the one that If-Match names.",
  },
  conflict: { status: 409, type: "invalid_request_error", message: "The object is not in a state that allows this." },
  quota_unavailable: {
    status: 503,
    type: "server_error",
    message: "The quota store is unavailable; nothing was charged.",
  },
  store_unavailable: {
    status: 503,
    type: "server_error",
    message: "A store that this needs is out of reach; nothing has changed.",
  },
  mail_unavailable: {
    status: 503,
    type: "server_error",
    message: "The mail could not be sent. Try again.",
  },
  no_healthy_backends: { status: 503, type: "server_error", message: "No healthy node serves this model right now." },
  server_is_overloaded: {
    status: 503,
    type: "server_error",
    message: "All nodes that serve this model are saturated.",
  },
  gateway_timeout: { status: 504, type: "server_error", message: "The node did not answer in time." },
  bad_gateway: { status: 502, type: "server_error", message: "The node's answer could not be used." },
  stream_broken: { status: 502, type: "server_error", message: "The node failed in the middle of its answer." },
  misconfigured: {
    status: 500,
    type: "server_error",
    message: "This gateway is misconfigured; its operator can see why in the log.",
  },
  internal: { status: 500, type: "server_error", message: "Something went wrong on our side." },
} as const;

/** The code of a refusal, one for each row of the table. */
export type RefusalCode = keyof typeof table;
/** A schema that accepts our own refusal codes and nothing else. */
export const refusalCodes = z.custom<RefusalCode>((value) => typeof value === "string" && Object.hasOwn(table, value));

/** The table of refusals, for docs and tests. */
export const refusals: Readonly<Record<RefusalCode, { status: number; type: string; message: string }>> = table;

/** A model as a call names it; `id` is null where no model has that name. */
export interface NamedModel {
  name: string;
  id: string | null;
}

/** What one refusal adds to its row of the table. */
export interface RefusalDetails {
  /** Public: replaces the table's message. Never an engine's text, never a secret. */
  message?: string | undefined;
  /** The field at fault, as a path (`messages[0].role`). */
  param?: string | undefined;
  /** How long to wait before another try; above `obeyedWaitMsMax` SDKs are told not to try again. */
  retryAfterMs?: number | undefined;
  /** False tells SDKs not to try again (`x-should-retry`). */
  mayRetry?: boolean | undefined;
  /** The model that this tells of: whoever may not use it hears that there is none (`hideModel`). */
  about?: NamedModel | undefined;
  /** Further headers, such as the rate limits of a denial. */
  headers?: Record<string, string> | undefined;
  /** Further members of the error object. */
  extra?: Record<string, unknown> | undefined;
  /** For our log only. */
  log?: string | undefined;
  /** What the caller ended themselves is logged and counted as this event, not as a refusal: it is nobody's error. */
  event?: "deadline_passed" | "caller_left" | undefined;
  cause?: unknown;
}

/** The one way to refuse. Rooms throw it, the door writes it; `log` and `cause` never leave the edge. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    super(details.log ?? code, { cause: details.cause });
    this.name = "Refusal";
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return table[this.code].status;
  }
}

/**
 * A store failed, or the way to it. Unlike other errors its message is our own and may be logged: it says what went
 * wrong and quotes nothing of the request. When `wasSent` is false the request never left, so it had no effect.
 */
export class OutOfReach extends Error {
  readonly wasSent: boolean;

  constructor(message: string, wasSent = true) {
    super(message);
    this.name = "OutOfReach";
    this.wasSent = wasSent;
  }
}

/** Describes a failure for the log. Other errors are named only, since their messages may quote what a caller sent. */
export function describeCause(cause: unknown): string {
  if (cause instanceof OutOfReach) return cause.message;
  return cause instanceof Error ? cause.name : "unknown";
}

/** Builds the body of an error answer, and of a stream's error event: `{error: {message, type, param, code}}`. */
export function buildErrorBody(refusal: Refusal) {
  const row = table[refusal.code];
  const { message: say, param, extra } = refusal.details;
  return { error: { message: say ?? row.message, type: row.type, param: param ?? null, code: refusal.code, ...extra } };
}

/**
 * The longest hint that OpenAI's SDKs obey, in ms. `x-should-retry` decides before any hint: "true" and "false" are
 * obeyed by both. Of hints both read `retry-after-ms` before `retry-after`, fractions too. Node's (7.55,
 * `client.js`, `retryRequest`) obeys 0 to 60,000 ms, the limit included, and beyond them waits 0.5 to 8 s by itself;
 * Python's (3.57, `_base_client.py`, `_should_retry`) obeys up to 120 s, and beyond them does not try again.
 */
export const obeyedWaitMsMax = 60_000;

/**
 * Builds the headers of an error answer: `retry-after` in whole seconds (RFC 9110, section 10.2.3), `retry-after-ms`
 * for OpenAI's SDKs. Whoever would not wait as long as told is told not to try again.
 */
export function buildErrorHeaders(refusal: Refusal): Record<string, string> {
  const { retryAfterMs, mayRetry, headers } = refusal.details;
  const shouldRetry = mayRetry ?? ((retryAfterMs ?? 0) > obeyedWaitMsMax ? false : undefined);
  return {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...(refusal.status === 401 && { "www-authenticate": "Bearer" }),
    ...(retryAfterMs !== undefined && {
      "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))),
      "retry-after-ms": String(Math.max(1, Math.ceil(retryAfterMs))),
    }),
    ...(shouldRetry !== undefined && { "x-should-retry": String(shouldRetry) }),
    ...headers,
  };
}
