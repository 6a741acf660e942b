import { loadHeader, orgShareHeader, readLoad, type LoadReport, type NodeRecord } from "../agreements/records/node.ts";
import { Refusal, refusalCodes, refusals } from "../errors.ts";
import type { AttemptEnd, AttemptObserver } from "../fleet/port.ts";
import { renameRefusal } from "../protocol/wires/rename.ts";
import type { LeaveSignal, Visit } from "../visit.ts";
import { openWatchdog } from "./watchdog.ts";

/**
 * One try on one node: an answer whose body flows; or a refusal, whether another node may be tried, whether this one
 * may be running the call all the same, whether the call's time is over, and whether it is the org's share of the node
 * that is full rather than the node.
 */
export type Attempt =
  | ({ kind: "answer"; response: Response } & Deadline)
  | {
      kind: "no";
      mayRetry: boolean;
      mayRun: boolean;
      isLate: boolean;
      isShareFull: boolean;
      refusal: Refusal;
    };

/** The time limit of an answer's body: tells whether the body broke because time was up, and ends the timer. */
export interface Deadline {
  isLate(): boolean;
  dispose(): void;
}

/** One request to a node, ready to send. */
export interface UpstreamRequest {
  path: string;
  /** How long to wait for headers; a slower node counts as failed, and another is tried. */
  headersMsMax: number;
  /** Unix ms. Without headers by then the call has no time left on any node. */
  deadlineMs: number;
  /** Unix ms. The body must have ended by then: a node that stalls midway is aborted. */
  endMs: number;
  /** What the type of an answer begins with. A 200 of another comes from something in front of the agent. */
  contentType: string;
  /** The type of the body; JSON unless said. */
  bodyType?: string;
  hop: string;
  body: NonNullable<RequestInit["body"]>;
  /** The caller's own name for a member of the body; ours where nobody hears of it. */
  rename?(param: string): string;
  /** Aborted when the caller has left; null where an attempt is so short that nobody listens for that. */
  signal: LeaveSignal | null;
}

/**
 * Sends a request to a node with our own path and headers only: nothing of the caller's request is copied (S7). Throws
 * for nothing but a bug.
 */
export async function attempt(
  node: NodeRecord,
  upstream: UpstreamRequest,
  observer: AttemptObserver,
  visit: Visit,
): Promise<Attempt> {
  observer.begin(node.id, visit.now());
  const waiting = waitFor(upstream, visit);
  let response: Response;
  try {
    response = await fetch(node.url + upstream.path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${upstream.hop}`,
        "content-type": upstream.bodyType ?? "application/json",
        "x-request-id": visit.id,
      },
      body: upstream.body,
      redirect: "manual",
      signal: waiting.signal,
    });
  } catch (cause) {
    waiting.over();
    return reportFailure({ node: node.id, abortReason: waiting.reason(), cause }, observer, visit.now());
  }
  const load = readLoad(response.headers.get(loadHeader));
  const isAgents = response.headers.get("content-type")?.startsWith(upstream.contentType) ?? false;
  if (response.status === 200 && isAgents) {
    waiting.giveBody(upstream.endMs - visit.now());
    observer.learn(node.id, "answered", load, visit.now());
    // The node ends a call at its deadline itself: an answer that breaks from then on broke by that.
    const isLate = () => waiting.reason() === "deadline" || upstream.deadlineMs - visit.now() < lateMsMin;
    return { kind: "answer", response, isLate, dispose: waiting.over };
  }
  waiting.giveBody(refusalMsMax);
  observer.learn(node.id, response.status === 200 ? "failed" : classifyEnd(response, load), load, visit.now());
  const answered = response.status === 200 ? await refuseNonAgent(response) : await readRefusal(response);
  const refusal = upstream.rename ? renameRefusal(answered, upstream.rename) : answered;
  waiting.over();
  observer.end(node.id);
  const isRetriable = response.status === 200 || mayRetry(response.status);
  const isLate = refusal.code === "gateway_timeout" && upstream.deadlineMs - visit.now() < lateMsMin;
  const isShareFull = isShareRefusal(response);
  return { kind: "no", mayRetry: isRetriable, mayRun: false, isLate, isShareFull, refusal };
}

/** An agent ends a call at its deadline by its own clock, so it may say so a little earlier than we do. */
const lateMsMin = 250;
/** An error answer is small and arrives at once; it is not worth a longer wait. */
const refusalMsMax = 2_000;

/** Why an attempt was aborted, if it was: the caller left, the call's time was up, or the node's. */
type AbortReason = "aborted" | "deadline" | "headers" | null;

/** One controller and one timer per attempt: it waits for the headers first, then for the body. */
function waitFor(upstream: UpstreamRequest, visit: Visit) {
  const controller = new AbortController();
  let abortReason: AbortReason = null;
  const abort = (reason: AbortReason) => {
    abortReason ??= reason;
    controller.abort();
  };
  const abortWithCaller = () => abort("aborted");
  if (upstream.signal?.aborted) abortWithCaller();
  else upstream.signal?.addEventListener("abort", abortWithCaller);
  const watchdog = openWatchdog(() => visit.now());
  const remainingMs = Math.max(1, upstream.deadlineMs - visit.now());
  watchdog.wait(Math.min(remainingMs, upstream.headersMsMax), () =>
    abort(remainingMs <= upstream.headersMsMax ? "deadline" : "headers"),
  );
  const giveBody = (ms: number) => watchdog.wait(Math.max(1, ms), () => abort("deadline"));
  return { signal: controller.signal, reason: () => abortReason, giveBody, over: () => watchdog.dispose() };
}

async function refuseNonAgent(response: Response): Promise<Refusal> {
  await response.body?.cancel().catch(() => undefined);
  return new Refusal("bad_gateway", { log: "200 of another type than asked for" });
}

function reportFailure(
  { node, abortReason, cause }: { node: string; abortReason: AbortReason; cause: unknown },
  observer: AttemptObserver,
  nowMs: number,
): Attempt {
  // Only our own wait for headers counts against a node: a caller's deadline may be a millisecond.
  const isCallers = abortReason === "aborted" || abortReason === "deadline";
  observer.learn(node, isCallers ? "aborted" : "failed", null, nowMs);
  observer.end(node);
  const log = abortReason ? `${node} aborted: ${abortReason}` : `${node} out of reach`;
  const refusal = new Refusal(abortReason ? "gateway_timeout" : "no_healthy_backends", {
    retryAfterMs: 1_000,
    log,
    cause,
  });
  return {
    kind: "no",
    mayRetry: abortReason === null || abortReason === "headers",
    mayRun: abortReason !== null,
    isLate: abortReason === "deadline",
    isShareFull: false,
    refusal,
  };
}

/**
 * Never for faults of the call itself; a node's 429 means that the node is saturated, not that the caller is over a
 * limit.
 */
function mayRetry(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

function classifyEnd(response: Response, load: LoadReport | null): AttemptEnd {
  if (response.headers.get("x-penstock-node-state") === "draining") return "draining";
  // Saturation is a valid answer of a working node; what looks dead or broken counts against it.
  const isBroken = response.status >= 500 && load === null;
  return isBroken || response.status === 401 ? "failed" : "answered";
}

/** The agent's own refusal, if its code is in our table; anything else is a misbehaving node. */
async function readRefusal(response: Response): Promise<Refusal> {
  const { status } = response;
  const error = await readError(response);
  const code = refusalCodes.safeParse(error?.code);
  const retryAfterMs = readRetryAfterMs(response.headers.get("retry-after"));
  if (status === 503 || status === 429) {
    const isSaturated = status === 429 || (code.success && code.data === "server_is_overloaded");
    const isShareFull = isShareRefusal(response);
    return new Refusal(isSaturated ? "server_is_overloaded" : "no_healthy_backends", {
      retryAfterMs,
      ...(isShareFull && { message: readErrorText(error?.message) }),
      log: isShareFull ? "org_share_full" : `node answered ${status}`,
    });
  }
  if (status === 504 || status === 408) return new Refusal("gateway_timeout", { log: `node answered ${status}` });
  const isCallers = status === 400 || status === 404 || status === 413 || status === 422;
  if (isCallers && code.success && code.data !== "unknown_url" && refusals[code.data].status === status) {
    return new Refusal(code.data, { message: readErrorText(error?.message), param: readErrorText(error?.param) });
  }
  return new Refusal("bad_gateway", { log: `node answered ${status}` });
}

/** The agent says no to this org alone: the node works, and is no fuller for others than its load report says. */
function isShareRefusal({ status, headers }: Response): boolean {
  return status === 503 && headers.get(orgShareHeader) === "full";
}

/** Whole seconds, one to sixty; anything else counts as one. */
function readRetryAfterMs(retryAfter: string | null): number {
  return retryAfter && /^\d{1,2}$/.test(retryAfter) ? Math.min(Math.max(Number(retryAfter), 1), 60) * 1_000 : 1_000;
}

async function readError(response: Response): Promise<Record<string, unknown> | null> {
  try {
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null || !("error" in body)) return null;
    const { error } = body;
    return typeof error === "object" && error !== null ? { ...error } : null;
  } catch {
    return null;
  }
}

function readErrorText(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 512) : undefined;
}
