import { checkAnswers } from "./answers.ts";
import { checkBill, type BillFigures } from "./bill.ts";
import { checkLimits } from "./limits.ts";
import type { Evidence } from "./evidence.ts";
import type { Violation } from "./violation.ts";

/** The result of a storm. */
export interface AuditResult {
  violations: Violation[];
  figures: Figures;
}

/** How much happened in a storm, for the table of all storms. */
export interface Figures extends BillFigures {
  calls: number;
  answered: number;
  refused: number;
  /** 5xx that were announced, and connections that broke with an edge. */
  failed: number;
  aborted: number;
  polls: number;
}

/** Audits a storm. Pure: the same evidence gives the same result. */
export function audit(evidence: Evidence): AuditResult {
  const { outcomes, watched } = evidence;
  const bill = checkBill(evidence);
  const violations = [
    ...checkLimits(evidence),
    ...bill.violations,
    ...checkAnswers(evidence),
    ...checkLiveness(evidence),
  ];
  const count = (isIt: (outcome: Evidence["outcomes"][number]) => boolean) => outcomes.filter(isIt).length;
  const figures: Figures = {
    ...bill.figures,
    calls: outcomes.length,
    answered: count(({ status }) => status === 200),
    refused: count(({ status }) => status !== null && status >= 400 && status < 500),
    failed: count(({ status }) => status === null || status >= 500),
    aborted: count(({ how }) => how === "aborted"),
    polls: watched.polls,
  };
  return { violations, figures };
}

/**
 * A storm without admissions, refusals by a limit or inspections would prove nothing; one without faults must show each
 * of them.
 */
function checkLiveness({ outcomes, watched, struck, plan }: Evidence): Violation[] {
  const found: string[] = [];
  if (!outcomes.some(({ isDone }) => isDone)) found.push("no call was answered to its end");
  if (struck.length === 0 && !outcomes.some(({ status }) => status === 429)) found.push("no limit was met");
  if (watched.polls === 0) found.push("no ledger was looked at");
  const missed = plan.faults.filter(({ number }) => !struck.some(({ fault }) => fault.number === number));
  if (missed.length > 0)
    found.push(`faults that did not strike: ${missed.map(({ number, kind }) => `${number} ${kind}`).join(", ")}`);
  return found.map((what) => ({ rule: "empty storm", what }));
}
