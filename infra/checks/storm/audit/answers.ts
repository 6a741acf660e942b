import type { Violation } from "./violation.ts";
import { findCall, type Evidence } from "./evidence.ts";
import type { AttemptOutcome } from "../crew/outcome.ts";
import type { StormFaultKind } from "../plan/plan.ts";

/**
 * Which faults explain which 5xx. Those under `never` need no fault: Redis may take longer than it is given; a caller's
 * own deadline passes.
 */
const announcedBy: Readonly<Record<string, readonly StormFaultKind[]>> = {
  quota_unavailable: ["kill-edge", "kill-redis", "cut-redis"],
  no_healthy_backends: ["kill-agent", "kill-engine", "cut-origin"],
  bad_gateway: ["kill-agent", "kill-engine", "cut-origin"],
  stream_broken: ["kill-agent", "kill-engine", "cut-origin"],
};

/**
 * Every answer is whole, or says that it is not; every 5xx is explained; nobody waits for ever; an idempotency key runs
 * once.
 */
export function checkAnswers(evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const outcome of evidence.outcomes) {
    const name = `caller ${outcome.caller} call ${outcome.call}.${outcome.attempt} (${outcome.hold ?? "no hold"})`;
    if (outcome.how === "hung")
      found.push({ rule: "hung", what: `${name}: no end for ${outcome.endedAtMs - outcome.startedAtMs} ms` });
    if (isTruncated(evidence, outcome))
      found.push({ rule: "truncation", what: `${name}: a stream ended without [DONE] and without an error event` });
    const why = explainUnannounced(evidence, outcome);
    if (why !== null) found.push({ rule: "announced errors", what: `${name}: ${why}` });
  }
  return [...found, ...checkRepeats(evidence)];
}

/** The connection ended properly, but the stream did not. */
function isTruncated({ plan }: Evidence, outcome: AttemptOutcome): boolean {
  return (
    outcome.how === "ended" &&
    outcome.status === 200 &&
    !outcome.isDone &&
    outcome.code === null &&
    findCall(plan, outcome).isStream
  );
}

function explainUnannounced(evidence: Evidence, outcome: AttemptOutcome): string | null {
  const { status, code, how } = outcome;
  const did = (kind: StormFaultKind) => evidence.struck.some(({ fault }) => fault.kind === kind);
  if (how === "broken") return did("kill-edge") ? null : `the connection broke (status ${status ?? "none"})`;
  if (code === null || (status !== null && status >= 400 && status < 500)) return null;
  if (code === "gateway_timeout") {
    const { timeoutMs } = findCall(evidence.plan, outcome);
    return outcome.endedAtMs - outcome.startedAtMs >= timeoutMs - deadlineSlackMs
      ? null
      : `${code} before its deadline`;
  }
  if (code === "quota_unavailable" && evidence.plan.store === "upstash") return null;
  return (announcedBy[code] ?? []).some(did) ? null : `${status ?? "no status"} ${code}`;
}

/** The deadline is counted from the request's arrival, ours from its sending. */
const deadlineSlackMs = 50;

/** Callers that share an idempotency key: one is answered at most, and no more calls are billed than there are keys. */
function checkRepeats({ outcomes, plan, orgs }: Evidence): Violation[] {
  const found: Violation[] = [];
  const answers = new Map<string, number>();
  for (const outcome of outcomes) {
    const { again } = findCall(plan, outcome);
    if (again !== null && outcome.status === 200 && outcome.isDone) answers.set(again, (answers.get(again) ?? 0) + 1);
  }
  for (const [key, count] of answers)
    if (count > 1) found.push({ rule: "idempotency", what: `${key} was answered ${count} times` });
  const keys = new Set(plan.callers.flatMap(({ calls }) => calls.flatMap(({ again }) => again ?? [])));
  for (const org of orgs.filter(({ plan: { kind } }) => kind === "again")) {
    const billed = new Set(org.rows.map(({ hold }) => hold)).size;
    if (billed > keys.size)
      found.push({ rule: "idempotency", what: `${org.id}: ${billed} calls are billed for ${keys.size} keys` });
  }
  return found;
}
