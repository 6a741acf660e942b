import type { Credential } from "../agreements/tokens/credential.ts";
import { mapNames } from "../agreements/names.ts";
import { countColumns } from "../agreements/records/usage-columns.ts";
import type { HoldId, OrgId } from "../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../agreements/tokens/lease.ts";
import { isChat } from "../agreements/paths.ts";
import type { Price, Tier } from "../agreements/records/model.ts";
import { OutOfReach, Refusal } from "../errors.ts";
import { slotWaitMsMax } from "../limits.ts";
import type { Call } from "../protocol/openai/call.ts";
import type { Visit } from "../visit.ts";
import type { HoldRequest, Denial, Grant, Ledger } from "../ledger/port.ts";
import { explainDenial, readLastWaitMs } from "./denial.ts";

export { rateHeaders } from "./denial.ts";
export { confirm, hideModel, introspect, narrowScopes } from "./scopes.ts";

export { openBoundFactors, type BoundFactors } from "./bound-factors.ts";

/** Counts a call's prompt exactly, with an engine of its model; null when none could be reached. */
export type CountPrompt = () => Promise<number | null>;

/** Who makes the call, under which hold, at which price and when. */
export interface Terms {
  credential: Credential;
  hold: HoldId;
  tier: Tier;
  price: Price;
  nowMs: number;
  /** How long after the call's deadline the hold stands. */
  graceMs: number;
  countPrompt: CountPrompt;
  /** By how much this org's bounds of prompts are multiplied (bound-factors.ts). */
  boundFactor: number;
  /** Hears of a denial that the caller is refused with; it does what it does behind the answer, and never throws. */
  noteDenial?: (denial: Denial) => void;
}

/** What is held, and by how much the prompt's bound was multiplied for it; 1 for a prompt that was counted exactly. */
export interface Admission extends Grant {
  boundFactor: number;
}

/**
 * Reserves what the call may use, in one round trip. Only when the safe bound does not fit but the estimate would, the
 * prompt is counted exactly and that many tokens are held instead: nothing overshoots, and nobody near the limit is
 * refused without cause.
 */
export async function admit(visit: Visit, ledger: Ledger, call: Call, terms: Terms): Promise<Admission> {
  visit.phase = "admission";
  const request = makeRequest(call, terms);
  const refuse = (denial: Denial) => {
    terms.noteDenial?.(denial);
    return explainDenial(denial, call);
  };
  const first = await requestSoon(visit, ledger, { request, call });
  if (first.kind === "grant") return { ...first, boundFactor: terms.boundFactor };
  if (countUnits(call) !== null || !mightFit(first, call)) throw refuse(first);
  const promptTokens = await terms.countPrompt();
  if (promptTokens === null || promptTokens >= request.promptTokens) throw refuse(first);
  const second = await requestSoon(visit, ledger, { request: { ...request, promptTokens }, call });
  if (second.kind === "grant") return { ...second, boundFactor: 1 };
  throw refuse(second);
}

function makeRequest(call: Call, terms: Terms): HoldRequest {
  return {
    hold: terms.hold,
    ...terms.credential,
    endpoint: call.endpoint,
    model: call.model.id,
    tier: terms.tier,
    price: terms.price,
    promptTokens: countUnits(call) ?? correctBound(call, terms.boundFactor),
    completionTokens: call.completionTokens,
    choices: call.choices,
    mayClamp: call.mayClamp,
    ttlMs: Math.max(0, call.deadlineMs - terms.nowMs) + terms.graceMs,
    idempotency: call.idempotency,
  };
}

/** What the call's units count as, in tokens; null where its tokens are what counts. */
function countUnits({ units, model: { unitTokens } }: Call): number | null {
  return units > 0 && unitTokens !== undefined ? units * unitTokens : null;
}

/** A chat is one prompt, and no engine takes one that is longer than its context. */
function correctBound({ path, model, promptTokensMax }: Call, factor: number): number {
  const most = isChat(path) ? Math.max(promptTokensMax, model.contextTokensMax) : Infinity;
  return Math.min(promptTokensMax * factor, most);
}

/**
 * The waits before each repeated release, in ms; the platform lets a request outlive its answer by 30 s.
 */
const releaseRetryMs = [1_000, 4_000, 10_000];

/**
 * Gives a hold back. When the ledger cannot be reached, the caller does not wait: the release is repeated behind the
 * answer, so that a moment's failure does not leave a slot taken until the call's deadline.
 */
async function release(visit: Visit, ledger: Ledger, ended: Release): Promise<void> {
  if (await tryRelease(ledger, ended)) return;
  visit.log("release_failed", { hold: ended.hold });
  visit.afterwards(retryRelease(visit, ledger, ended));
}

/**
 * Tells the ledger, behind the answer, of a call under a lease that it runs, or may have: it has not heard of it, and
 * should its node say nothing more, the call has to be on the bill all the same. From then on its hold is as any other,
 * which its node settles or its deadline ends.
 */
function noteRunning(visit: Pick<Visit, "afterwards">, ledger: Ledger, call: Omit<Release, "mayRun">): void {
  if (call.leased) visit.afterwards(checkpointNothing(ledger, call, call.leased));
}

async function checkpointNothing(
  ledger: Ledger,
  { org, hold }: Omit<Release, "mayRun">,
  leased: LeasedTerms,
): Promise<void> {
  const { model, admittedAtMs } = leased;
  const times = { startedAtMs: admittedAtMs, firstTokenAtMs: null, endedAtMs: admittedAtMs };
  const nothing = mapNames(countColumns, () => 0);
  const checkpoint = { isFinal: false, outcome: "failed" as const, responseId: null, ...nothing, ...times };
  await ledger.settle(org, [{ hold, org, model, ...checkpoint, leased }]);
}

/** What can be done about a call once tokens are held for it. */
export const onceHeld = { release, noteRunning };

/** A hold to release; `mayRun`: a node may be at work on its call all the same; `leased`: it is a lease's. */
interface Release {
  org: OrgId;
  hold: HoldId;
  mayRun: boolean;
  leased?: LeasedTerms | undefined;
}

async function retryRelease(visit: Visit, ledger: Ledger, release: Release): Promise<void> {
  for (const ms of releaseRetryMs) {
    await new Promise((done) => setTimeout(done, ms));
    if (await tryRelease(ledger, release)) return;
  }
  visit.log("release_given_up", { hold: release.hold });
}

function tryRelease(ledger: Ledger, { org, hold, mayRun, leased }: Release): Promise<boolean> {
  return ledger.release(org, hold, mayRun, leased).then(
    () => true,
    () => false,
  );
}

/**
 * Asks once more where a minute's window opens within a sub-bucket: whoever waited the minute that they were told, the
 * longest that SDKs wait, is not refused again for the rest of it.
 */
async function requestSoon(
  visit: Visit,
  ledger: Ledger,
  { request, call }: { request: HoldRequest; call: Call },
): Promise<Grant | Denial> {
  const answer = await requestHold(visit, ledger, { request, call });
  const ms = answer.kind === "denial" ? readLastWaitMs(answer) : null;
  if (ms === null || visit.now() + ms >= call.deadlineMs) return answer;
  await new Promise((done) => setTimeout(done, ms));
  return visit.leaving.aborted ? answer : requestHold(visit, ledger, { request, call });
}

/**
 * Asks the ledger, which may have the call wait for a slot, never beyond its deadline. The wait of a caller who leaves
 * is ended; a grant that was faster is given back as that of any who leaves.
 */
async function requestHold(
  visit: Visit,
  ledger: Ledger,
  { request, call }: { request: HoldRequest; call: Call },
): Promise<Grant | Denial> {
  const { leaving } = visit;
  const leftMs = leaving.aborted ? 0 : Math.max(0, call.deadlineMs - visit.now());
  const waitMsMax = Math.min(slotWaitMsMax, leftMs);
  const waitMs = Math.min(call.waitMs, waitMsMax);
  const endWait = () => visit.afterwards(ledger.cancelWait(request.org, request.hold));
  leaving.addEventListener("abort", endWait);
  try {
    return await ledger.admit({ ...request, waitMs, waitMsMax });
  } catch (cause) {
    // A request without an answer may have been booked all the same. A ledger that has just failed gets its release
    // later, not at once: that is how a rush becomes a collapse.
    const mayBeBooked = !(cause instanceof OutOfReach) || cause.wasSent;
    if (mayBeBooked)
      visit.afterwards(retryRelease(visit, ledger, { org: request.org, hold: request.hold, mayRun: false }));
    throw new Refusal("quota_unavailable", { retryAfterMs: 1_000, log: "ledger out of reach", cause });
  } finally {
    leaving.removeEventListener("abort", endWait);
  }
}

function mightFit(denial: Denial, call: Call): boolean {
  if (!("tokensRemaining" in denial) || denial.tokensRemaining === null) return false;
  const completion = call.choices * (call.mayClamp ? Math.min(1, call.completionTokens) : call.completionTokens);
  return call.promptTokensGuess + completion <= denial.tokensRemaining;
}
