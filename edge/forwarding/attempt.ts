import { loadHeader, readLoad, type LoadReport, type NodeRecord } from "../agreements/records/node.ts";
import { Refusal, refusalCodes, refusals } from "../errors.ts";
import type { AttemptEnd } from "../routing/port.ts";
import type { Visit } from "../visit.ts";

/**
 * One try on one node: an answer whose body flows; or a refusal, whether another node may be tried, and whether this
 * one may be running the call all the same.
 */
export type Attempt =
  | ({ kind: "answer"; response: Response } & Patience)
  | { kind: "no"; mayRetry: boolean; mayRun: boolean; refusal: Refusal };

/** The time limit of an answer's body: tells whether the body broke because time was up, and ends the timer. */
export interface Patience {
  isLate(): boolean;
  over(): void;
}

/** Learns how each attempt went, for breakers and load; routing's fleet implements it. */
export interface AttemptWatch {
  began(node: string, nowMs: number): void;
  saw(node: string, end: AttemptEnd, load: LoadReport | null, nowMs: number): void;
  ended(node: string): void;
}

/** One request to a node, ready to send. */
export interface Parcel {
  path: string;
  /** How long to wait for headers; a slower node counts as failed, and another is tried. */
  headersMsMax: number;
  /** Unix ms. Without headers by then the call has no time left on any node. */
  deadlineMs: number;
  /** Unix ms. The body must have ended by then: a node that stalls midway is aborted. */
  endMs: number;
  /** A 200 of another type comes from something in front of the agent, not from the agent. */
  contentType: "text/event-stream" | "application/json";
  hop: string;
  body: NonNullable<RequestInit["body"]>;
}

/**
 * Sends a request to a node with our own path and headers only: nothing of the caller's request is copied (S7). Throws
 * for nothing but a bug.
 */
export async function attempt(
  node: NodeRecord,
  parcel: Parcel,
  watch: AttemptWatch,
  visit: Visit,
  left: AbortSignal,
): Promise<Attempt> {
  watch.began(node.id, visit.now());
  const waiting = waitFor(parcel, left, visit.now());
  let response: Response;
  try {
    response = await fetch(node.url + parcel.path, {
      method: "POST",
      headers: { authorization: `Bearer ${parcel.hop}`, "content-type": "application/json", "x-request-id": visit.id },
      body: parcel.body,
      redirect: "manual",
      signal: waiting.signal,
    });
  } catch (cause) {
    waiting.over();
    return failed(node, watch, visit, waiting.why(), cause);
  }
  const load = readLoad(response.headers.get(loadHeader));
  const isAgents = response.headers.get("content-type")?.startsWith(parcel.contentType) ?? false;
  if (response.status === 200 && isAgents) {
    waiting.giveBody(parcel.endMs - visit.now());
    watch.saw(node.id, "answered", load, visit.now());
    return { kind: "answer", response, isLate: () => waiting.why() === "deadline", over: waiting.over };
  }
  waiting.giveBody(refusalMsMax);
  watch.saw(node.id, response.status === 200 ? "failed" : endOf(response, load), load, visit.now());
  const refusal = response.status === 200 ? await notAnAgent(response) : await refusalOf(response);
  waiting.over();
  watch.ended(node.id);
  return { kind: "no", mayRetry: response.status === 200 || mayRetry(response.status), mayRun: false, refusal };
}

/** An error answer is small and arrives at once; it is not worth a longer wait. */
const refusalMsMax = 2_000;

/** Why an attempt was aborted, if it was: the caller left, the call's time was up, or the node's. */
type GivenUp = "aborted" | "deadline" | "headers" | null;

/** One controller per attempt and one timer at a time: first for the headers, then for the body. */
function waitFor(parcel: Parcel, left: AbortSignal, nowMs: number) {
  const controller = new AbortController();
  let givenUp: GivenUp = null;
  const giveUp = (why: GivenUp) => {
    givenUp ??= why;
    controller.abort();
  };
  const leave = () => giveUp("aborted");
  if (left.aborted) leave();
  else left.addEventListener("abort", leave, { once: true });
  const remainingMs = Math.max(1, parcel.deadlineMs - nowMs);
  let timer = setTimeout(
    () => giveUp(remainingMs <= parcel.headersMsMax ? "deadline" : "headers"),
    Math.min(remainingMs, parcel.headersMsMax),
  );
  const over = () => clearTimeout(timer);
  const giveBody = (ms: number) => {
    over();
    timer = setTimeout(() => giveUp("deadline"), Math.max(1, ms));
  };
  return { signal: controller.signal, why: () => givenUp, giveBody, over };
}

async function notAnAgent(response: Response): Promise<Refusal> {
  await response.body?.cancel().catch(() => undefined);
  return new Refusal("bad_gateway", { log: "200 of another type than asked for" });
}

function failed(node: NodeRecord, watch: AttemptWatch, visit: Visit, givenUp: GivenUp, cause: unknown): Attempt {
  // Only our own wait for headers counts against a node: a caller's deadline may be a millisecond.
  watch.saw(node.id, givenUp === "aborted" || givenUp === "deadline" ? "aborted" : "failed", null, visit.now());
  watch.ended(node.id);
  const log = givenUp ? `${node.id} aborted: ${givenUp}` : `${node.id} out of reach`;
  const refusal = new Refusal(givenUp ? "gateway_timeout" : "no_healthy_backends", { retryAfterMs: 1_000, log, cause });
  return { kind: "no", mayRetry: givenUp === null || givenUp === "headers", mayRun: givenUp !== null, refusal };
}

/**
 * Never for faults of the call itself; a node's 429 means that the node is saturated, not that the caller is over a
 * limit.
 */
function mayRetry(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

function endOf(response: Response, load: LoadReport | null): AttemptEnd {
  if (response.headers.get("x-penstock-node-state") === "draining") return "draining";
  // Saturation is a valid answer of a working node; what looks dead or broken counts against it.
  const isBroken = response.status >= 500 && load === null;
  return isBroken || response.status === 401 ? "failed" : "answered";
}

/** The agent's own refusal, if its code is in our table; anything else is a misbehaving node. */
async function refusalOf(response: Response): Promise<Refusal> {
  const { status } = response;
  const error = await readError(response);
  const code = refusalCodes.safeParse(error?.code);
  const retryAfterMs = waitOf(response.headers.get("retry-after"));
  if (status === 503 || status === 429) {
    const isSaturated = status === 429 || (code.success && code.data === "server_is_overloaded");
    return new Refusal(isSaturated ? "server_is_overloaded" : "no_healthy_backends", {
      retryAfterMs,
      log: `node answered ${status}`,
    });
  }
  if (status === 504 || status === 408) return new Refusal("gateway_timeout", { log: `node answered ${status}` });
  const isCallers = status === 400 || status === 404 || status === 413 || status === 422;
  if (isCallers && code.success && code.data !== "unknown_url" && refusals[code.data].status === status) {
    return new Refusal(code.data, { say: textOf(error?.message), param: textOf(error?.param) });
  }
  return new Refusal("bad_gateway", { log: `node answered ${status}` });
}

/** Whole seconds, one to sixty; anything else counts as one. */
function waitOf(retryAfter: string | null): number {
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

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 512) : undefined;
}
