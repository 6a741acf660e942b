import { setTimeout as sleep } from "node:timers/promises";
import type { Control, LedgerView, StormOrg } from "../arena/control.ts";

/**
 * Something wrong with a window. `overshootBy`: how much more was given out than there was; 0 where that is not the
 * problem.
 */
export interface WindowFault {
  org: string;
  window: string;
  overshootBy: number;
  what: string;
}

/** Inspects every ledger while the storm runs. */
export interface LedgerWatch {
  /** What any of the inspections found, each fault once at its worst, and how many inspections there were. */
  stop(): Promise<{ wrong: WindowFault[]; polls: number }>;
}

const pauseMs = 400;

/** Starts inspecting. A ledger that cannot be reached is no finding: something is down at that moment. */
export function openWatch(control: Control, orgs: readonly StormOrg[]): LedgerWatch {
  const worst = new Map<string, WindowFault>();
  const ended = new AbortController();
  let polls = 0;
  const keepWorst = (fault: WindowFault) => {
    const name = `${fault.org} ${fault.window} ${fault.overshootBy > 0}`;
    if (fault.overshootBy >= (worst.get(name)?.overshootBy ?? 0)) worst.set(name, fault);
  };
  const poll = async (org: string) => {
    const ledger = await control.ledger(org, 0).catch(() => null);
    if (!ledger || ended.signal.aborted) return;
    polls++;
    findWindowFaults(org, ledger).forEach(keepWorst);
  };
  const pollAll = async () => {
    for (; !ended.signal.aborted; await sleep(pauseMs)) for (const { id } of orgs) await poll(id);
  };
  const polling = pollAll();
  return {
    async stop() {
      ended.abort();
      await polling;
      return { wrong: [...worst.values()], polls };
    },
  };
}

/**
 * At any instant `limit = remaining + held + settled`, nothing is below zero, and no more calls are open than holds are
 * counted.
 */
export function findWindowFaults(org: string, { windows, openHolds, leases }: LedgerView): WindowFault[] {
  const leased = leases.reduce((sum, { calls }) => sum + calls, 0);
  return windows.flatMap(({ window, of, limit, remaining, held, settled }) => {
    const found: WindowFault[] = [];
    const report = (what: string, overshootBy = 0) =>
      void found.push({ org, window, overshootBy, what: `${window} of ${of} ${what}` });
    if (held < 0 || settled < 0) report(`is below zero: held ${held}, settled ${settled}`);
    if (limit !== null && held + settled > limit)
      report(`overshoots: held ${held}, settled ${settled}, of ${limit}`, held + settled - limit);
    if (limit !== null && remaining !== limit - held - settled)
      report(`does not add up: ${limit} is not ${remaining} + ${held} + ${settled}`);
    if (window === "concurrency" && of === "org" && held !== openHolds.length + leased)
      report(`holds ${held}, but ${openHolds.length} holds are open, and leases have ${leased} calls left`);
    return found;
  });
}
