import type { ServerResponse } from "node:http";
import { boundFactorHeader, findBoundFactor } from "#edge/agreements/records/bound-factor.ts";
import { profileHeader, writeProfile } from "#edge/agreements/records/traffic-profile.ts";
import { loadHeader, writeLoad } from "#edge/agreements/records/node.ts";
import type { Outcome } from "#edge/agreements/records/usage.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { ownHeader, refuseTimeout } from "#edge/protocol/openai/timeout.ts";
import type { Engine } from "../engines/http/client.ts";
import type { FirstTokenWatch } from "../engines/first-tokens.ts";
import type { PreparedCall } from "./prepared-call.ts";
import { buildRecord, settlePrompt, type Account } from "./record.ts";
import type { Rooms } from "./rooms.ts";
import { readEnding } from "./stream/stream-answer.ts";

/** A call between its admission and its end. */
export interface LiveCall extends Account {
  rooms: Rooms;
  engine: Engine;
  prepared: PreparedCall;
  response: ServerResponse;
  firstToken: FirstTokenWatch;
  /** The engine has the call: from then on who leaves pays the prompt. */
  isSent: boolean;
  /** Aborted with an Ending: the caller left, the deadline came, or the agent stops. */
  controller: AbortController;
}

/** The headers that every answer of this node carries. */
export function buildNodeHeaders(rooms: Rooms): Record<string, string> {
  return { [loadHeader]: writeLoad(rooms.pool.load) };
}

/**
 * The headers of an answer to a call: the node's, the traffic profile of the org's calls to this model here, and the
 * factor for its bounds if one of its prompts, or this one, was longer than what was held.
 */
export function buildCallHeaders({
  rooms,
  claims,
  meter,
}: Pick<LiveCall, "rooms" | "claims" | "meter">): Record<string, string> {
  const profile = rooms.profiles.read(claims.org, claims.model);
  const factor = Math.max(findCallFactor({ claims, meter }), rooms.profiles.readBoundFactor(claims.org, claims.model));
  return {
    ...buildNodeHeaders(rooms),
    ...(profile && { [profileHeader]: writeProfile(profile) }),
    ...(factor > 1 && { [boundFactorHeader]: String(factor) }),
  };
}

/** By how much the bound of this call's prompt should have been multiplied: 1, unless the bound was none. */
function findCallFactor({ claims, meter }: Pick<LiveCall, "claims" | "meter">): number {
  const bound = meter.promptTokensHeld / (claims.boundFactor ?? 1);
  const counted = meter.promptTokensCounted ?? 0;
  return counted > meter.promptTokensHeld ? findBoundFactor(counted, bound) : 1;
}

/** Writes the final record of a call and counts it: in the usage log, the traffic profiles, the metrics and the log. */
export function commitFinal(call: LiveCall, outcome: Outcome, why: Refusal | null): void {
  const { rooms, claims, prepared } = call;
  const record = buildRecord(call, outcome, true, rooms.now());
  rooms.sender.keep(record, claims.isUrgent);
  const { completionTokensMax } = claims;
  // What units count as says nothing of prompts.
  const promptTokensGuess = claims.unitTokens === undefined ? claims.promptTokensGuess : undefined;
  const boundFactor = findCallFactor(call);
  rooms.profiles.note({ ...record, choices: prepared.choices, completionTokensMax, promptTokensGuess, boundFactor });
  rooms.metrics.noteRequest(outcome);
  rooms.metrics.noteTokens(record.promptTokens, record.completionTokens);
  const { hold, promptTokens, completionTokens } = record;
  if (boundFactor > 1) noteOverHold(call);
  rooms.log("call_ended", { hold, outcome, promptTokens, completionTokens, why: why?.details.log ?? null });
}

/** A prompt's bound was none: that is our mistake, and whoever reads the log must see it. */
function noteOverHold({ rooms, claims, meter }: LiveCall): void {
  const [held, counted] = [meter.promptTokensHeld, meter.promptTokensCounted ?? 0];
  rooms.metrics.noteOverHold(counted - held);
  const { org, model, hold } = claims;
  rooms.log("prompt_over_hold", { org, model, hold, held, counted });
}

/** How long a refusal waits for the edge to hear what was made before it. */
const tellMsMax = 300;

/**
 * Tells the edge what a call had made that gets no answer from here, and waits until it has heard: with the refusal it
 * may give the call's hold back. The call may be tried on another node, so this is a checkpoint and settles nothing,
 * unless `isFinal`: where no other node would do better.
 */
export async function tellMade(call: LiveCall, outcome: Outcome, isFinal = false): Promise<void> {
  await settlePrompt(call.meter, call.engine, call.prepared);
  call.rooms.sender.keep(buildRecord(call, outcome, isFinal, call.rooms.now()), isFinal && call.claims.isUrgent);
  if (isFinal || call.meter.hasContent) await call.rooms.sender.flush(tellMsMax);
}

/**
 * Why an aborted call got no answer. What the engine had put on the wire is told first; of who left, the prompt too,
 * unless the engine was never asked.
 */
export async function refuseAborted(call: LiveCall): Promise<Refusal> {
  const { outcome, refusal } = readEnding(call.controller.signal.reason);
  if ((outcome === "cancelled" && call.isSent) || call.meter.hasContent) await tellMade(call, outcome);
  return refusal ?? refuseLeft();
}

/** What ends the work on a call whose caller has left. Nobody hears it, and the log has `caller_left` already. */
export function refuseLeft(): Refusal {
  return new Refusal("bad_gateway", { log: "left", event: "caller_left" });
}

/**
 * Ends a call whose time is over, which is nobody's error. A stream's caller reads these words; those of a whole answer
 * are the edge's own.
 */
export function refuseLate({ ownTimeoutMs }: Pick<HopClaims, "ownTimeoutMs">): Refusal {
  const details = { log: "deadline", event: "deadline_passed" } as const;
  if (ownTimeoutMs !== undefined) return refuseTimeout({ ms: ownTimeoutMs, header: ownHeader }, details);
  return new Refusal("gateway_timeout", { message: "The call's time ran out.", ...details });
}
