/**
 * How a call ended: whole, left by the caller, broken by a fault, ended by an error event, refused before any token, or
 * not yet.
 */
export type CallOutcome = "open" | "completed" | "cancelled" | "failed" | "error" | "refused";

/**
 * The truth about one call. `emittedTokens` are those whose chunk was written whole to the socket; `generatedTokens`
 * those the engine made.
 */
export interface OracleRecord {
  /** The id in the answer; empty when the call was refused. */
  id: string;
  /** The caller's `x-request-id`. */
  requestId: string | null;
  path: string;
  model: string;
  status: number;
  promptTokens: number;
  cachedTokens: number;
  generatedTokens: number;
  emittedTokens: number;
  finishReasons: string[];
  outcome: CallOutcome;
  startedAtMs: number;
  endedAtMs: number | null;
}

/** Every call of a model since the start, and their sums. */
export interface OracleReport {
  records: OracleRecord[];
  totals: {
    calls: number;
    promptTokens: number;
    generatedTokens: number;
    emittedTokens: number;
    outcomes: Record<CallOutcome, number>;
  };
}

/** The report as JSON; of one request alone when the address ends in `?request=ID`. */
export function answerOracle(records: readonly OracleRecord[], url = ""): string {
  const id = new URLSearchParams(url.split("?")[1]).get("request");
  return JSON.stringify(makeReport(id === null ? records : records.filter(({ requestId }) => requestId === id)));
}

/** Sums the records up. */
export function makeReport(records: readonly OracleRecord[]): OracleReport {
  const totals: OracleReport["totals"] = {
    calls: records.length,
    promptTokens: 0,
    generatedTokens: 0,
    emittedTokens: 0,
    outcomes: { open: 0, completed: 0, cancelled: 0, failed: 0, error: 0, refused: 0 },
  };
  for (const record of records) {
    totals.promptTokens += record.promptTokens;
    totals.generatedTokens += record.generatedTokens;
    totals.emittedTokens += record.emittedTokens;
    totals.outcomes[record.outcome]++;
  }
  return { records: records.map((record) => ({ ...record })), totals };
}
