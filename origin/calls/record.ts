import { isForeign } from "#edge/agreements/paths.ts";
import { readReference } from "#edge/agreements/tokens/ids.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import type { Outcome, UsageRecord } from "#edge/agreements/records/usage.ts";
import type { Engine } from "../engines/http/client.ts";
import { countPromptTokens, guessPrompt } from "../engines/tokenize.ts";
import type { PreparedCall } from "./prepared-call.ts";
import type { UsageMeter } from "./usage-meter.ts";
import { answerWires } from "./wires/wires.ts";

/** What a usage record is built from. */
export interface Account {
  claims: HopClaims;
  meter: UsageMeter;
  /** The engine's. */
  responseId: string | null;
  startedAtMs: number;
  firstTokenAtMs: number | null;
}

/** Builds the record of a call as it stands. A prompt that nobody has counted is written as 0. */
export function buildRecord(account: Account, outcome: Outcome, isFinal: boolean, nowMs: number): UsageRecord {
  const { claims, meter, responseId, startedAtMs, firstTokenAtMs } = account;
  const bill = meter.read();
  return {
    hold: claims.hold,
    org: claims.org,
    model: claims.model,
    isFinal,
    promptTokens: bill.promptTokens ?? 0,
    cachedTokens: bill.cachedTokens,
    completionTokens: bill.completionTokens,
    units: bill.units,
    outcome,
    responseId: nameShown(claims, responseId),
    startedAtMs,
    firstTokenAtMs,
    endedAtMs: nowMs,
    ...(claims.ticket !== undefined && { ticket: claims.ticket }),
  };
}

/** The id that the caller saw of an answer that its engine calls `id`; null as long as there is none. */
function nameShown({ endpoint, hold }: HopClaims, id: string | null): string | null {
  if (id === null || !isForeign(endpoint)) return id;
  return answerWires[endpoint].nameAnswer(readReference(hold));
}

/**
 * Gets the prompt counted when the engine never reported it: by its units where those are billed, else by the engine's
 * tokenizer, or guessed when there is none and something was generated. An engine that died before it generated
 * anything is billed no prompt.
 */
export async function settlePrompt(meter: UsageMeter, engine: Engine, prepared: PreparedCall): Promise<void> {
  if (meter.unitsCounted === null) meter.noteUnits(prepared.units);
  if (meter.read().promptTokens !== null) return;
  const count = await countPromptTokens(engine, prepared.body);
  if (count) meter.notePrompt(count.tokens);
  else if (meter.completionSoFar > 0) meter.notePrompt(guessPrompt(prepared.body));
}
