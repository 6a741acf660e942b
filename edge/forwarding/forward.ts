import { digestBody } from "../agreements/digest.ts";
import { generateBase62 } from "../agreements/tokens/ids.ts";
import { Refusal } from "../errors.ts";
import { answerGraceMs, attemptsMax, callMsMax, streamHeadersMsMax } from "../limits.ts";
import { writeForm } from "../protocol/media/write-form.ts";
import type { Call } from "../protocol/openai/call.ts";
import { refuseTimeout } from "../protocol/openai/timeout.ts";
import type { Visit } from "../visit.ts";
import { attempt } from "./attempt.ts";
import type { HeldCall, Reserved } from "./held-call.ts";
import { buildHopTerms, signHop } from "./hop.ts";
import type { Origin } from "./origin.ts";
import type { Answer, NoAnswer } from "./outcome.ts";

/**
 * Tries nodes in order until one begins to answer: at most three, within the retry budget, and never again once a byte
 * has come back (F3). Otherwise returns the last refusal; with no node at all `no_healthy_backends`, at once. The
 * budget is everybody's: an org that has its share of a node is tried elsewhere without it, and cannot use it up.
 */
export async function forward(visit: Visit, held: HeldCall, origin: Origin): Promise<Answer | NoAnswer> {
  const { call, reserved, nodes, signal } = held;
  visit.phase = "headers";
  const { bytes: body, contentType: bodyType } = writeCall(visit, held);
  const bodySha256 = digestBody(body);
  origin.budget.countCall(visit.now());
  const contentType = call.isStream ? call.wire.stream.contentType : (call.media?.answerType ?? jsonType);
  const terms = {
    headersMsMax: call.isStream ? streamHeadersMsMax : callMsMax,
    deadlineMs: call.deadlineMs,
    endMs: call.deadlineMs + answerGraceMs,
    contentType,
    bodyType,
    rename: call.rename,
    signal,
  } as const;
  const failure: Omit<NoAnswer, "refusal"> & { refusal: Refusal | null } = { kind: "no", mayRun: false, refusal: null };
  let isFree = true;
  for (const [index, node] of nodes.slice(0, attemptsMax).entries()) {
    if (!isFree && !origin.budget.takeRetry(visit.now())) break;
    const ticket = origin.tickets.make({ hold: reserved.hold, node: node.id, leased: reserved.leased });
    const hop = signHop({ ...buildHopTerms(held, node, index + 1, bodySha256), ticket }, origin.nodeKeys, visit);
    const tried = await attempt(node, { path: call.path, hop, body, ...terms }, origin.observer, visit);
    if (tried.kind === "answer") {
      const { response, isLate, dispose: over } = tried;
      const dispose = () => {
        over();
        origin.observer.end(node.id);
      };
      const { timeout } = call;
      return { kind: "answer", response, node: node.id, servedBy: node.tier, isLate, timeout, dispose };
    }
    failure.refusal = tried.isLate ? refuseTimeout(call.timeout, tried.refusal.details) : tried.refusal;
    // What their own deadline or their leaving ended is no failure of the node's.
    if (!signal.aborted && failure.refusal.details.event === undefined) logAttempt(visit, node.id, index + 1, tried);
    failure.mayRun ||= tried.mayRun;
    isFree = tried.isShareFull;
    if (!tried.mayRetry || signal.aborted) break;
  }
  return {
    ...failure,
    refusal: failure.refusal ?? new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: "no eligible node" }),
  };
}

const jsonType = "application/json";

/** The body for a node: JSON, or of a call that brings a file a form of our own. */
function writeCall(visit: Visit, { call, reserved }: Pick<HeldCall, "call" | "reserved">) {
  const { media } = call;
  if (media?.file) return writeForm(call.body, media.file, `penstock-${generateBase62(40, visit.random)}`);
  const json = JSON.stringify({ ...call.body, ...clampTokens(call, reserved) });
  return { bytes: new TextEncoder().encode(json), contentType: jsonType };
}

function logAttempt(visit: Visit, node: string, attempt: number, { refusal }: { refusal: Refusal }): void {
  visit.log("attempt_failed", { node, attempt, code: refusal.code, why: refusal.message });
}

/** The grant may be smaller than the request, if the caller allowed that. */
function clampTokens(call: Call, reserved: Reserved): Record<string, number> {
  return reserved.completionTokens < call.completionTokens ? { max_tokens: reserved.completionTokens } : {};
}
