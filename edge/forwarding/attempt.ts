import { loadHeader, readLoad, type LoadReport, type NodeRecord } from "../agreements/records/node.ts";
import { Refusal, refusalCodes, refusals } from "../errors.ts";
import type { Visit } from "../visit.ts";

/**
 * One try on one node: an answer whose body flows, or why not, whether another node may be tried, and whether this one
 * may be at work all the same.
 */
export type Attempt =
  | ({ kind: "answer"; response: Response } & Patience)
  | { kind: "no"; mayRetry: boolean; mayRun: boolean; refusal: Refusal };

/**
 * What an answer's receiver is to know of our waiting: whether the body broke because its time was up, and how to say
 * that it is over.
 */
export interface Patience {
  isLate(): boolean;
  over(): void;
}

/**
 * How an attempt ended, for its node's breaker: a node that answers, even with a no, is whole; one that we left while
 * it was silent is not judged.
 */
export type AttemptEnd = "answered" | "failed" | "draining" | "left";

/** Told how each attempt went, for breakers and load (routing's fleet keeps this). */
export interface AttemptWatch {
  began(node: string, nowMs: number): void;
  saw(node: string, end: AttemptEnd, load: LoadReport | null, nowMs: number): void;
  ended(node: string): void;
}

export interface Parcel {
  path: string;
  /** How long to wait for headers; what takes longer counts as a failure of the node, and is tried on another. */
  headersMsMax: number;
  /** Unix ms. No headers by then: the call has no time left anywhere. */
  deadlineMs: number;
  /** Unix ms. The body must have ended by then: a node that stands still in the middle is left. */
  endMs: number;
  /** A 200 of another type does not come from an agent, but from something that stands before it. */
  contentType: "text/event-stream" | "application/json";
  hop: string;
  body: NonNullable<RequestInit["body"]>;
}

/**
 * Sends a parcel to a node. Our own path and headers only: nothing of the caller's request is copied (S7). Never throws
 * but for a bug.
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

/** An error answer is small and comes at once; what it says is not worth more patience. */
const refusalMsMax = 2_000;

/** Why an attempt was given up, if it was: the caller left, her time was up, or the node's. */
type GivenUp = "left" | "deadline" | "headers" | null;

/** One controller an attempt and one timer at a time: for the headers, then for the body. */
function waitFor(parcel: Parcel, left: AbortSignal, nowMs: number) {
  const controller = new AbortController();
  let givenUp: GivenUp = null;
  const giveUp = (why: GivenUp) => {
    givenUp ??= why;
    controller.abort();
  };
  const leave = () => giveUp("left");
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
  // Only our own wait for headers judges a node: a caller's deadline may be a millisecond.
  watch.saw(node.id, givenUp === "left" || givenUp === "deadline" ? "left" : "failed", null, visit.now());
  watch.ended(node.id);
  const log = givenUp ? `${node.id} given up: ${givenUp}` : `${node.id} out of reach`;
  const refusal = new Refusal(givenUp ? "gateway_timeout" : "no_healthy_backends", { retryAfterMs: 1_000, log, cause });
  return { kind: "no", mayRetry: givenUp === null || givenUp === "headers", mayRun: givenUp !== null, refusal };
}

/** Never on what the call itself is to blame for; a node's 429 is its saturation, not the caller's. */
function mayRetry(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

function endOf(response: Response, load: LoadReport | null): AttemptEnd {
  if (response.headers.get("x-penstock-node-state") === "draining") return "draining";
  // Saturation is an honest answer of a working node; what looks like a dead or mad one counts against it.
  const isBroken = response.status >= 500 && load === null;
  return isBroken || response.status === 401 ? "failed" : "answered";
}

/** The agent's own words, if they are of our table; anything else is a node that speaks nonsense. */
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

/** Whole seconds, one to sixty; anything else is one. */
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
