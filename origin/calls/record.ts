import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import type { Outcome, UsageRecord } from "#edge/agreements/records/usage.ts";
import type { Engine } from "../engines/http/client.ts";
import { countPrompt, guessPrompt } from "../engines/tokenize.ts";
import type { PreparedCall } from "./prepare.ts";
import type { Tally } from "./usage-meter.ts";

/** What a usage record is built from. */
export interface Account {
  claims: HopClaims;
  tally: Tally;
  responseId: string | null;
  startedAtMs: number;
  firstTokenAtMs: number | null;
}

/** Builds the record of a call as it stands. A prompt that nobody has counted is written as 0. */
export function recordOf(account: Account, outcome: Outcome, isFinal: boolean, nowMs: number): UsageRecord {
  const { claims, tally, responseId, startedAtMs, firstTokenAtMs } = account;
  const bill = tally.read();
  return {
    hold: claims.hold,
    org: claims.org,
    model: claims.model,
    isFinal,
    promptTokens: bill.promptTokens ?? 0,
    cachedTokens: bill.cachedTokens,
    completionTokens: bill.completionTokens,
    outcome,
    responseId,
    startedAtMs,
    firstTokenAtMs,
    endedAtMs: nowMs,
  };
}

/**
 * Gets the prompt counted when the engine never reported it: by the engine's tokenizer, or guessed when there is none
 * and something was generated. An engine that died before it generated anything is billed no prompt.
 */
export async function settlePrompt(tally: Tally, engine: Engine, prepared: PreparedCall): Promise<void> {
  if (tally.read().promptTokens !== null) return;
  const count = await countPrompt(engine, prepared.body);
  if (count) tally.notePrompt(count.tokens);
  else if (tally.completionSoFar > 0) tally.notePrompt(guessPrompt(prepared.body));
}
