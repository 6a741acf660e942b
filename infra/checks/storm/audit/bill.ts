import { checkpointMs, checkpointTokens } from "#edge/limits.ts";
import type { Violation } from "./violation.ts";
import { readSettled } from "./limits.ts";
import type { EngineCall } from "../arena/engine.ts";
import { findCall, type BillRow, type Evidence, type OrgEvidence } from "./evidence.ts";
import type { AttemptOutcome } from "../crew/outcome.ts";

/** Tokens made and billed over all calls of a storm. */
export interface BillFigures {
  rows: number;
  /** Completion tokens that engines sent, and that stand on the bill. */
  made: number;
  billed: number;
  /** Calls billed for less than was made because something died: how many, and the most tokens of one. */
  short: number;
  shortMost: number;
}

/** One call's lines on the bill, what the engines say they made for it, and what the caller saw. */
interface BilledCall {
  hold: string;
  base: BillRow;
  completion: number;
  prompt: number;
  calls: EngineCall[];
  outcome: AttemptOutcome | null;
}

/**
 * Σ settled = Σ rows = what the engines made: exactly, but where something died in the middle; then never more, and not
 * much less.
 */
export function checkBill(evidence: Evidence): { violations: Violation[]; figures: BillFigures } {
  const violations = evidence.orgs.flatMap((org) => checkSums(org));
  const accounts = collectCalls(evidence);
  const figures: BillFigures = { rows: accounts.length, made: 0, billed: 0, short: 0, shortMost: 0 };
  for (const account of accounts) {
    const made = countMade(account);
    figures.made += made ?? account.completion;
    figures.billed += account.completion;
    const short = made === null ? 0 : made - account.completion;
    if (short > 0) figures.short++;
    figures.shortMost = Math.max(figures.shortMost, short);
    violations.push(
      ...checkAccount(evidence, account).map((what): Violation => ({
        rule: "bill",
        what: `${account.hold} (${account.base.end}): ${what}`,
      })),
    );
  }
  violations.push(...checkUnbilled(evidence, new Set(accounts.map(({ hold }) => hold))));
  return { violations, figures };
}

/** The ledger's sums are those of the rows, and no row appears twice or contradicts itself. */
function checkSums(org: OrgEvidence): Violation[] {
  const found: Violation[] = [];
  const byId = new Map<string, string>();
  const rows: BillRow[] = [];
  for (const row of org.rows) {
    const known = byId.get(row.id);
    if (known === undefined) rows.push(row);
    else if (known !== JSON.stringify(row))
      found.push({ rule: "double", what: `${row.id} stands on the bill twice, and differs` });
    byId.set(row.id, JSON.stringify(row));
  }
  const holds = new Set(rows.filter(({ end }) => end !== "adjusted").map(({ hold }) => hold));
  const calls = rows.filter(({ end }) => end !== "adjusted").length;
  if (calls !== holds.size)
    found.push({ rule: "double", what: `${org.id}: ${calls} calls on the bill for ${holds.size} holds` });
  const sum = (pick: (row: BillRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const pairs: [string, number, number][] = [
    [
      "tokens",
      readSettled(org, "tokensPerMonth"),
      sum(({ promptTokens, completionTokens }) => promptTokens + completionTokens),
    ],
    ["money", readSettled(org, "costMicrosPerMonth"), sum(({ costMicros }) => costMicros)],
  ];
  for (const [unit, settled, billed] of pairs) {
    if (settled !== billed)
      found.push({
        rule: "bill",
        what: `${org.plan.kind} ${org.id}: the ledger has settled ${settled} of ${unit}, the rows say ${billed}`,
      });
  }
  const admitted = readSettled(org, "requestsPerHour");
  if (calls > admitted)
    found.push({ rule: "double", what: `${org.id}: ${calls} calls on the bill, but ${admitted} were admitted` });
  return found;
}

function collectCalls({ orgs, engineCalls: made, outcomes }: Evidence): BilledCall[] {
  const byHold = new Map<string, EngineCall[]>();
  for (const call of made)
    if (call.requestId !== null && call.outcome !== "refused")
      byHold.set(call.requestId, [...(byHold.get(call.requestId) ?? []), call]);
  const outcomeByHold = new Map(
    outcomes.flatMap((outcome) =>
      outcome.hold === null || outcome.status !== 200 ? [] : [[outcome.hold, outcome] as const],
    ),
  );
  const accounts = new Map<string, BilledCall>();
  for (const { rows } of orgs) {
    const once = new Map(rows.map((row) => [row.id, row]));
    for (const row of once.values()) {
      const account = accounts.get(row.hold) ?? {
        hold: row.hold,
        base: row,
        completion: 0,
        prompt: 0,
        calls: byHold.get(row.hold) ?? [],
        outcome: outcomeByHold.get(row.hold) ?? null,
      };
      if (row.end !== "adjusted") account.base = row;
      account.completion += row.completionTokens;
      account.prompt += row.promptTokens;
      accounts.set(row.hold, account);
    }
  }
  return [...accounts.values()];
}

/**
 * Completion tokens sent; of several tries of one call the bill takes the greatest. `null`: the record died with the
 * engine.
 */
function countMade({ calls }: BilledCall): number | null {
  if (calls.length === 0 || calls.some(({ isWhole }) => !isWhole)) return null;
  return Math.max(...calls.map(({ emittedTokens }) => emittedTokens));
}

function checkAccount(evidence: Evidence, account: BilledCall): string[] {
  const { completion, outcome, base, calls } = account;
  const found: string[] = [];
  const made = countMade(account);
  const tokensMax = outcome ? findCall(evidence.plan, outcome).tokens : null;
  if (tokensMax !== null && completion > tokensMax)
    found.push(`${completion} tokens are billed, ${tokensMax} were reserved`);
  if (
    outcome?.reported &&
    base.end === "completed" &&
    (outcome.reported.completionTokens !== completion || outcome.reported.promptTokens !== account.prompt)
  ) {
    found.push(
      `the caller got ${outcome.reported.promptTokens} + ${outcome.reported.completionTokens} tokens, the bill ` +
        `says ${account.prompt} + ${completion}`,
    );
  }
  if (made === null) {
    const mayBeUnknown = didStrike(evidence, "kill-engine") || (calls.length === 0 && completion === 0);
    if (!mayBeUnknown) found.push(`${completion} tokens are billed, but no engine knows of the call`);
    if (outcome && base.end !== "expired" && completion < outcome.seen && findCall(evidence.plan, outcome).isStream)
      found.push(`the caller saw ${outcome.seen} tokens, ${completion} are billed`);
    return found;
  }
  if (completion > made) found.push(`${completion} tokens are billed, the engines made ${made}`);
  if (completion < made && made - completion > findShortMax(evidence, account, made))
    found.push(`${completion} tokens are billed, the engines made ${made}`);
  const whole = calls.length === 1 && calls[0]?.outcome === "completed" ? calls[0] : null;
  if (whole && base.end === "completed" && account.prompt !== whole.promptTokens)
    found.push(`a prompt of ${account.prompt} tokens is billed, it had ${whole.promptTokens}`);
  return found;
}

/**
 * How much less than was made may be billed. Nothing, unless something died: an agent's last checkpoint is at most 256
 * tokens, or what it made in five seconds, old; and of a call that was given up before its first byte the agent has
 * read nothing, whatever the engine made meanwhile (origin/calls/serve-call.ts): its completion is free.
 */
function findShortMax(evidence: Evidence, { base, calls, outcome }: BilledCall, made: number): number {
  if (base.end === "completed") return 0;
  const mayBeGivenUp = evidence.struck.length > 0 || evidence.outcomes.some(({ code }) => code === "gateway_timeout");
  if (base.end === "expired" && (outcome?.seen ?? 0) === 0 && mayBeGivenUp) return made;
  if (evidence.struck.length === 0) return 0;
  if (base.end !== "expired" && !didStrike(evidence, "kill-agent") && calls.length === 1) return 0;
  const ms = Math.max(...calls.map(({ startedAtMs, endedAtMs }) => (endedAtMs ?? startedAtMs) - startedAtMs), 1);
  return Math.max(checkpointTokens, Math.ceil((made * checkpointMs) / ms));
}

/**
 * Work that is on no bill: only where the way to a node broke before the answer's first byte, so that the hold was
 * released; or where edge and node died with a call under a lease of which neither had said a word
 * (docs/decisions/0017): not a whole one, and no more of it than lies before a call's first checkpoint.
 */
function checkUnbilled(evidence: Evidence, billed: ReadonlySet<string>): Violation[] {
  const found: Violation[] = [];
  const broke = ["kill-agent", "cut-origin", "kill-edge", "kill-engine"].some((kind) => didStrike(evidence, kind));
  for (const { requestId, outcome, emittedTokens } of evidence.engineCalls) {
    if (requestId === null || billed.has(requestId) || outcome === "refused" || emittedTokens === 0) continue;
    if (!broke || emittedTokens > checkpointTokens)
      found.push({
        rule: "unbilled",
        what: `${requestId}: ${emittedTokens} tokens were made (${outcome}), and stand on no bill`,
      });
  }
  const areBothDead = ["kill-agent", "kill-edge"].every((kind) => didStrike(evidence, kind));
  for (const { hold, status, seen, how, isDone } of evidence.outcomes) {
    if (hold === null || status !== 200 || seen === 0 || billed.has(hold)) continue;
    if (areBothDead && !isDone && seen <= checkpointTokens) continue;
    found.push({
      rule: "unbilled",
      what:
        `${hold}: its caller saw ${seen} events (${how}, ${isDone ? "whole" : "not whole"}), and it stands ` +
        "on no bill",
    });
  }
  return found;
}

function didStrike({ struck }: Evidence, kind: string): boolean {
  return struck.some(({ fault }) => fault.kind === kind);
}
