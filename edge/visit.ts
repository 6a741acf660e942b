import { generateBase62 } from "./agreements/tokens/ids.ts";
import { describeCause, type Refusal } from "./errors.ts";

/**
 * How far a request has come: its body is read, it is admitted, a node's headers are waited for, its answer is on the
 * way.
 */
export type Phase = "body" | "admission" | "headers" | "answer";

/** What is asked of an AbortSignal, and what else can answer as one. Listeners are told once. */
export interface LeaveSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", act: () => void): void;
  removeEventListener(type: "abort", act: () => void): void;
}

/** What belongs to one HTTP request: its id, and the only access to time, randomness and work after the answer. */
export interface Visit {
  readonly id: string;
  readonly request: Request;
  /** When the caller leaves, as the request's signal tells. Each listener of that one costs the platform an object. */
  readonly leaving: LeaveSignal;
  readonly startedAtMs: number;
  /** Headers that every answer to this request carries. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unix ms. */
  now(): number;
  random(bytes: number): Uint8Array;
  /** At least 0, below 1; for choices that no secret depends on. */
  chance(): number;
  /** Keeps the isolate alive for work that ends after the answer; a rejection is logged, never thrown. */
  afterwards(work: Promise<unknown>): void;
  log(event: string, facts?: Record<string, string | number | boolean | null>): void;
  /** What is going on, for `caller_left`. */
  phase: Phase;
  /** Logs `caller_left`, once: whoever leaves is not refused, whatever their leaving breaks. */
  leave(): void;
  /** Logs a refusal, or what the caller did to end the call themselves. */
  logRefusal(refusal: Refusal): void;
}

/** No answer is kept for anybody else (S6), nor taken for another type than it says. */
const everyAnswer = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** The platform's clock in Unix ms, for the wiring and the entries to hand to what outlives a visit. */
export const readClock = (): number => Date.now();

/** At least 0, below 1, for what outlives a visit; for choices that no secret depends on. */
export const drawChance = (): number => Math.random();

/** Returns cryptographically random bytes. */
export const generateRandomBytes = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

/** Opens a visit. Nothing that the caller sent is ever logged: facts are ids, counts and codes. */
export function openVisit(
  request: Request,
  waitUntil: (work: Promise<unknown>) => void,
  headers: Readonly<Record<string, string>> = {},
): Visit {
  const id = `req_${generateBase62(22, generateRandomBytes)}`;
  const log: Visit["log"] = (event, facts) => console.log(JSON.stringify({ event, request: id, ...facts }));
  const startedAtMs = readClock();
  let hasLeft = false;
  const leave = () => {
    if (hasLeft) return;
    hasLeft = true;
    log("caller_left", { phase: visit.phase, ms: readClock() - startedAtMs });
  };
  const leaving = shareSignal(request.signal);
  leaving.addEventListener("abort", leave);
  const visit: Visit = {
    id,
    request,
    leaving,
    startedAtMs,
    phase: "body",
    leave,
    logRefusal: (refusal) => (hasLeft || leaving.aborted ? leave() : writeRefusal(log, refusal)),
    headers: { ...everyAnswer, ...headers, "x-request-id": id },
    now: readClock,
    random: generateRandomBytes,
    chance: Math.random,
    afterwards: (work) =>
      waitUntil(work.catch((cause: unknown) => log("afterwards_failed", { cause: describeCause(cause) }))),
    log,
  };
  return visit;
}

/** Listens to a signal once for all who do: they are told in the order in which they came. */
function shareSignal(signal: AbortSignal): LeaveSignal {
  const acts = new Set<() => void>();
  const tell = () => {
    for (const act of acts) act();
  };
  signal.addEventListener("abort", tell, { once: true });
  return {
    get aborted() {
      return signal.aborted;
    },
    addEventListener: (_type, act) => void acts.add(act),
    removeEventListener: (_type, act) => void acts.delete(act),
  };
}

function writeRefusal(log: Visit["log"], { code, status, message, cause, details }: Refusal): void {
  if (details.event) return log(details.event, { code, why: details.message ?? message });
  const isOurs = status >= 500;
  log("refused", {
    code,
    status,
    ...((isOurs || details.log !== undefined) && { why: message }),
    ...(isOurs && cause !== undefined && { cause: describeCause(cause) }),
  });
}
