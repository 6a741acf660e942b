import { Refusal, type RefusalDetails } from "../../errors.ts";
import { callMsMax, slotWaitMs, slotWaitMsMax } from "../../limits.ts";

/** How long a caller waits for a call, and by which of their headers; null when it is our own limit. */
export interface CallTimeout {
  ms: number;
  header: string | null;
}

/**
 * Which of OpenAI's SDKs tell how long they wait, in seconds: Node's and Go's cut theirs to whole ones
 * (`x-stainless-timeout`), Python's writes what it was given, and Java's sends both, cut (`x-stainless-read-timeout`).
 */
const sdkHeaders = ["x-stainless-timeout", "x-stainless-read-timeout"];

/** Our own header, which counts for streams too. */
export const ownHeader = "x-penstock-timeout-ms";

/**
 * Reads how long the caller waits: exactly `x-penstock-timeout-ms`, or for whole answers what an SDK tells, the least
 * of it. For streams SDKs mean the first byte only, so theirs does not count there. Never more than 15 minutes. Refuses
 * an `x-penstock-timeout-ms` that is no number above 0; what an SDK writes is not its caller's doing, and ignored.
 */
export function readTimeout(headers: Headers, isStream: boolean): CallTimeout {
  const exact = readOwnMs(headers.get(ownHeader));
  const waits = (isStream ? [] : sdkHeaders).map((header) => ({ ms: readSdkMs(headers.get(header)), header }));
  const candidates: CallTimeout[] = exact === null ? waits : [{ ms: exact, header: ownHeader }];
  return candidates.reduce<CallTimeout>((least, one) => (one.ms < least.ms ? one : least), {
    ms: callMsMax,
    header: null,
  });
}

/** In whole milliseconds; `null` without the header. */
function readOwnMs(text: string | null): number | null {
  if (text === null) return null;
  const ms = Math.ceil(Number(text));
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw new Refusal("invalid_value", {
    param: ownHeader,
    message: `'${ownHeader}' must be a number of milliseconds above 0.`,
  });
}

/** A whole number may have lost its fraction on the way, so it means less than one second more; a fraction is exact. */
function readSdkMs(text: string | null): number {
  if (text === null || !/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number.POSITIVE_INFINITY;
  const ms = text.includes(".") ? Math.ceil(Number(text) * 1_000) : (Number(text) + 1) * 1_000;
  return ms > 0 ? ms : Number.POSITIVE_INFINITY;
}

/** Says that a call's time ran out, how long it was, and who set it. */
export function describeTimeout({ ms, header }: CallTimeout): string {
  const setBy = header === null ? "the longest that a call may take" : `set by the caller's '${header}'`;
  return `The call's time ran out: ${ms} ms, ${setBy}.`;
}

/**
 * The refusal of a call whose time ran out. Whoever set that time themselves learns that nothing is broken, and their
 * SDK that another try would end alike; in the log it is an event of its own, nobody's error.
 */
export function refuseTimeout(timeout: CallTimeout, details: RefusalDetails = {}): Refusal {
  const message = describeTimeout(timeout);
  if (timeout.header === null) return new Refusal("gateway_timeout", { ...details, message });
  const own = { retryAfterMs: undefined, mayRetry: false, event: "deadline_passed" } as const;
  return new Refusal("gateway_timeout", { ...details, ...own, message });
}

const waitHeader = "x-penstock-wait-ms";

/**
 * Reads how long a call may wait for a slot, in ms: `slotWaitMs` where its caller does not say. Refuses what is no
 * whole number up to `slotWaitMsMax`: whoever misspells it would be refused, or kept waiting, against their will.
 */
export function readWait(headers: Headers): number {
  const text = headers.get(waitHeader);
  if (text === null) return slotWaitMs;
  const ms = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (ms <= slotWaitMsMax) return ms;
  throw new Refusal("invalid_value", {
    param: waitHeader,
    message: `'${waitHeader}' must be a whole number of milliseconds from 0 to ${slotWaitMsMax}.`,
  });
}
