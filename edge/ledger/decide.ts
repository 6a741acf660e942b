import type { Credential } from "../agreements/tokens/credential.ts";
import { isInRanges } from "../agreements/ip.ts";
import type { KeyRecord } from "../agreements/records/key.ts";
import { isSameText } from "../agreements/tokens/key-format.ts";
import { idempotencyMs } from "../limits.ts";
import type { Ask, Denial, Grant } from "./port.ts";
import { clampedCompletion, firstShut, lanesOf, ratesOf, tokensFitting } from "./limits.ts";
import { hasLimits, tokensHeld, type EarlierCall, type Hold, type State } from "./state.ts";

/** A grant comes with the hold that must be booked before the answer leaves. */
export type Decision = { kind: "granted"; hold: Hold; grant: Grant } | { kind: "denied"; denial: Denial };

/**
 * The longest wait reported for a call that still runs under the same idempotency key, or for a free slot: nobody knows
 * when either ends.
 */
const askAgainMs = 1_000;

/**
 * May this call run? Reads, never changes: so a denial leaves the state bit-identical, and a grant takes effect when
 * its hold is booked. Holds past their deadline must have been expired before. Of several exceeded limits, the one that
 * opens last is named, so that a caller who waits that long is not refused again by another. A request larger than a
 * limit itself never passes: that window is named first, its `limit` shows that waiting is no use, and the reported
 * wait is one whole window. For concurrency `resetAtMs` is the deadline that surely frees a slot; as calls mostly end
 * long before theirs, `retryAfterMs` is at most a second.
 */
export function decide(state: State, ask: Ask, earlier: EarlierCall | null, now: number): Decision {
  const atMs = Math.max(now, state.atMs);
  const key = keyInForce(state, ask, now);
  if (key.kind === "denial") return no(key);
  if (![key, ask.token].every((scopes) => scopes?.endpoints?.includes(ask.endpoint) ?? true))
    return no({ kind: "denial", reason: "endpoint" });
  if (![key, ask.token].every((scopes) => scopes?.models?.includes(ask.model) ?? true))
    return no({ kind: "denial", reason: "model" });
  const repeat =
    earlier && ask.idempotency && atMs < earlier.admittedAtMs + idempotencyMs
      ? judgeRepeat(ask.idempotency.body, earlier)
      : null;
  if (repeat) return no(repeat);

  const lanes = lanesOf(state, key, atMs);
  const completionTokens = ask.mayClamp ? clampedCompletion(lanes, ask) : ask.completionTokens;
  const hold = holdFor(ask, key, completionTokens, atMs);
  const shut = firstShut(state, lanes, hold);
  if (!shut) {
    const grant: Grant = {
      kind: "grant",
      hold: hold.id,
      tokensHeld: tokensHeld(hold),
      completionTokens,
      expiresAtMs: hold.expiresAtMs,
      rates: ratesOf(lanes, hold, now),
    };
    return { kind: "granted", hold, grant };
  }
  const waitMs = Math.max(1, shut.opensAtMs - now);
  const { window, of, limit } = shut.lane;
  return no({
    kind: "denial",
    reason: reasonOf(window),
    window,
    of,
    limit,
    retryAfterMs: window === "concurrency" ? Math.min(waitMs, askAgainMs) : waitMs,
    resetAtMs: shut.opensAtMs,
    tokensRemaining: shut.lane.unit === "tokens" || shut.lane.unit === "money" ? tokensFitting(lanes, ask) : null,
    rates: ratesOf(lanes, null, now),
  });
}

/**
 * The record of the key that is presented, when it and its org are in force and the address is allowed; else why not.
 */
export function keyInForce(state: State, credential: Credential, now: number): KeyRecord | Denial {
  const key = provenKey(state, credential, Math.max(now, state.atMs));
  if (!key) return { kind: "denial", reason: "key" };
  if (key.ipRanges && !isInRanges(credential.ip, key.ipRanges)) return { kind: "denial", reason: "ip" };
  return key;
}

/** Unknown keys are compared too, so that they take as long (S3). */
function provenKey(state: State, credential: Credential, atMs: number): KeyRecord | null {
  const key = state.keys[credential.key] ?? null;
  // A client token was verified by the edge, and stands for the key as long as that is in force.
  let isProven = credential.token !== undefined;
  for (const { kid, digest } of credential.digests) {
    const isSame = isSameText(digest, key?.digest ?? noDigest);
    if (isSame && kid === key?.pepperKid) isProven = true;
  }
  if (!key || !isProven || key.isRevoked) return null;
  if (key.expiresAtMs !== null && key.expiresAtMs <= atMs) return null;
  if (!state.org || state.org.id !== credential.org || state.org.isSuspended) return null;
  return key;
}

const noDigest = "0".repeat(64);

function judgeRepeat(body: string, earlier: EarlierCall): Denial {
  if (!isSameText(body, earlier.body)) return { kind: "denial", reason: "idempotency_mismatch" };
  if (!earlier.ended) return { kind: "denial", reason: "idempotency_in_progress", retryAfterMs: askAgainMs };
  return { kind: "denial", reason: "idempotency_replayed", first: earlier.ended };
}

function holdFor(ask: Ask, key: KeyRecord, completionTokens: number, atMs: number): Hold {
  return {
    id: ask.hold,
    key: key.id,
    isKeyBooked: hasLimits(key),
    endpoint: ask.endpoint,
    model: ask.model,
    tier: ask.tier,
    price: { ...ask.price },
    promptTokens: ask.promptTokens,
    completionTokens,
    choices: ask.choices,
    admittedAtMs: atMs,
    expiresAtMs: atMs + ask.ttlMs,
    idempotency: ask.idempotency && { key: ask.idempotency.key, body: ask.idempotency.body },
    noted: null,
  };
}

function reasonOf(window: string): "rate" | "concurrency" | "quota" {
  if (window === "concurrency") return "concurrency";
  return window.endsWith("PerMinute") || window.endsWith("PerHour") ? "rate" : "quota";
}

function no(denial: Denial): Decision {
  return { kind: "denied", denial };
}
