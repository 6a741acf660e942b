import type { Credential } from "../agreements/tokens/credential.ts";
import { isInRanges } from "../agreements/ip.ts";
import type { KeyRecord } from "../agreements/records/key.ts";
import { windows } from "../agreements/records/windows.ts";
import { isSameText } from "../agreements/tokens/key-format.ts";
import { idempotencyMs } from "../limits.ts";
import type { Denial, Grant, HoldRequest, LeaseRequest } from "./port.ts";
import {
  clampCompletion,
  countFittingTokens,
  findExceeded,
  listLimitChecks,
  reportRates,
  retryMsMax,
  type LimitCheck,
} from "./limits.ts";
import { hasLimits, tokensHeld, type EarlierCall, type Hold, type State } from "./state.ts";
import { planRepeatWait, planWait, type SlotWait } from "./waiting/plan.ts";

/**
 * A grant comes with the hold that must be booked before the answer leaves, the lease that was asked for, and the time
 * of the decision; a denial with what the call may wait for.
 */
export type Decision =
  | { kind: "granted"; hold: Hold; grant: Grant; lease: LeaseRequest | null; atMs: number }
  | { kind: "denied"; denial: Denial; wait: SlotWait | null };

/**
 * May this call run? Reads, never changes: so a denial leaves the state bit-identical, and a grant takes effect when
 * its hold is booked. Holds past their deadline must have been expired before. Of several exceeded limits, the one with
 * the longest `retryAfterMs` is named, so that a caller who waits that long is not refused again by another. A request
 * larger than a limit itself never passes: that window is named first, its `limit` shows that waiting is no use, and
 * the reported wait is one whole window. `resetAtMs` is when the window surely opens, whatever the open calls do; where
 * only they are in the way, `retryAfterMs` is at most a second (limits.ts).
 */
export function decide(state: State, request: HoldRequest, earlier: EarlierCall | null, now: number): Decision {
  const atMs = Math.max(now, state.atMs);
  const key = findKeyInForce(state, request, now);
  if (key.kind === "denial") return deny(key);
  const reason = findScopeDenied(key, request);
  if (reason) return deny({ kind: "denial", reason });
  const repeat =
    earlier && request.idempotency && atMs < earlier.admittedAtMs + idempotencyMs
      ? checkRepeat(request.idempotency.body, earlier)
      : null;
  if (repeat) return deny(repeat, planRepeatWait(request, repeat, now));

  const checks = listLimitChecks(state, key, atMs);
  const completionTokens = request.mayClamp ? clampCompletion(checks, request) : request.completionTokens;
  const hold = makeHold(request, key, completionTokens, atMs);
  const exceeded = findExceeded(state, checks, hold, now);
  if (!exceeded) {
    const grant: Grant = {
      kind: "grant",
      hold: hold.id,
      tokensHeld: tokensHeld(hold),
      completionTokens,
      expiresAtMs: hold.expiresAtMs,
      rates: reportRates(checks, hold, now),
      ...(isUrgent(checks, request) && { isUrgent: true }),
    };
    return { kind: "granted", hold, grant, lease: request.lease ?? null, atMs: now };
  }
  const { window, of, limit, unit, held, settled } = exceeded.check;
  const denial: Denial = {
    kind: "denial",
    reason: reasonByKind[windows[window].kind],
    window,
    of,
    limit,
    retryAfterMs: exceeded.waitMs,
    resetAtMs: exceeded.opensAtMs,
    tokensRemaining: unit === "tokens" || unit === "money" ? countFittingTokens(checks, request) : null,
    demand: { need: exceeded.need, held, settled },
    rates: reportRates(checks, null, now),
  };
  return deny(denial, planWait(state, request, { checks, hold }, now));
}

/** Whether somebody may wait for the end of a call that is admitted now. */
function isUrgent(checks: LimitCheck[], { idempotency }: HoldRequest): boolean {
  return idempotency !== null || checks.some(({ unit, remaining }) => unit === "calls" && remaining <= 1);
}

/**
 * The record of the key that is presented, when it, its org and its project are in force and the address is allowed;
 * else why not.
 */
export function findKeyInForce(state: State, credential: Credential, now: number): KeyRecord | Denial {
  const { org } = state;
  const key = verifyKey(state.keys[credential.key] ?? null, credential, Math.max(now, state.atMs));
  if (!key || !org || org.id !== credential.org || org.isSuspended) return { kind: "denial", reason: "key" };
  const project = key.project === undefined ? null : (state.projects[key.project] ?? unknownProject);
  if (project === unknownProject) return { kind: "denial", reason: "key" };
  if (key.ipRanges && !isInRanges(credential.ip, key.ipRanges)) return { kind: "denial", reason: "ip" };
  return project?.isArchived ? { kind: "denial", reason: "project" } : key;
}

/** No call without its project's limits: a ledger that has not heard of them refuses its keys. */
const unknownProject = { isArchived: true };

/** Whether key and token may use this endpoint and this model; else which they may not. */
export function findScopeDenied(
  key: KeyRecord,
  { token, endpoint, model }: Pick<HoldRequest, "token" | "endpoint" | "model">,
): "endpoint" | "model" | null {
  for (const scopes of [key, token]) if (scopes?.endpoints?.includes(endpoint) === false) return "endpoint";
  for (const scopes of [key, token]) if (scopes?.models?.includes(model) === false) return "model";
  return null;
}

/**
 * The key, if the credential proves it and it is in force at this time, apart from its org. Unknown keys are compared
 * too, so that they take as long (S3).
 */
export function verifyKey(key: KeyRecord | null, credential: Credential, atMs: number): KeyRecord | null {
  // A client token was verified by the edge, and stands for the key as long as that is in force.
  let isProven = credential.token !== undefined;
  for (const { kid, digest } of credential.digests) {
    const isSame = isSameText(digest, key?.digest ?? noDigest);
    if (isSame && kid === key?.pepperKid) isProven = true;
  }
  if (!key || !isProven || key.isRevoked) return null;
  return key.expiresAtMs !== null && key.expiresAtMs <= atMs ? null : key;
}

const noDigest = "0".repeat(64);

function checkRepeat(body: string, earlier: EarlierCall): Denial {
  if (!isSameText(body, earlier.body)) return { kind: "denial", reason: "idempotency_mismatch" };
  if (!earlier.ended) return { kind: "denial", reason: "idempotency_in_progress", retryAfterMs: retryMsMax };
  return { kind: "denial", reason: "idempotency_replayed", first: earlier.ended };
}

function makeHold(request: HoldRequest, key: KeyRecord, completionTokens: number, atMs: number): Hold {
  return {
    id: request.hold,
    key: key.id,
    isKeyBooked: hasLimits(key),
    ...(key.lineage && { lineage: key.lineage }),
    ...(key.project && { project: key.project }),
    endpoint: request.endpoint,
    model: request.model,
    tier: request.tier,
    price: { ...request.price },
    promptTokens: request.promptTokens,
    completionTokens,
    choices: request.choices,
    admittedAtMs: atMs,
    expiresAtMs: atMs + request.ttlMs,
    idempotency: request.idempotency && { key: request.idempotency.key, body: request.idempotency.body },
    checkpoint: null,
  };
}

const reasonByKind = { sliding: "rate", gauge: "concurrency", calendar: "quota" } as const;

function deny(denial: Denial, wait: SlotWait | null = null): Decision {
  return { kind: "denied", denial, wait };
}
