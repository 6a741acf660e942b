import { buildErrorBody, type Refusal, type RefusalCode } from "../../errors.ts";
import { nameInMessage } from "../wires/rename.ts";

/** Anthropic has a status of its own for them, which its clients know as a reason to wait. */
const overloads: ReadonlySet<RefusalCode> = new Set(["no_healthy_backends", "server_is_overloaded"]);
const overloadStatus = 529;

/** Anthropic's types of errors, by status. Any other status is the caller's fault below 500, and ours from there on. */
const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** The status of a refusal at a door of Anthropic's: 529 where no node has room. */
export function readStatus(refusal: Refusal): number {
  return overloads.has(refusal.code) ? overloadStatus : refusal.status;
}

/**
 * Builds Anthropic's error: `{type: "error", error: {type, message}, request_id}`. Our own `param` and `code` stand
 * beside, and the message names the member; an event in a stream has no id, since the stream's head has told it.
 */
export function buildError(refusal: Refusal, requestId: string | null) {
  const status = readStatus(refusal);
  const { message, param, code, type: _, ...extra } = buildErrorBody(refusal).error;
  const type = types[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return {
    type: "error",
    error: { type, message: nameInMessage(refusal, message), param, code, ...extra },
    ...(requestId !== null && { request_id: requestId }),
  };
}
