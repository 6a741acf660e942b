import { setTimeout as sleep } from "node:timers/promises";
import type { Control, LedgerView, StormOrg } from "../arena/control.ts";

/**
 * Something wrong with a window. `overshootBy`: so much more is given away than there was; 0 where that is not what is
 * wrong.
 */
export interface WindowFault {
  org: string;
  window: string;
  overshootBy: number;
  what: string;
}

/** Looks into every ledger while the storm rages. */
export interface Watch {
  /** What was wrong in any of the looks, each once at its worst, and how many looks there were. */
  stop(): Promise<{ wrong: WindowFault[]; looks: number }>;
}

const pauseMs = 400;

/** Begins to look. A ledger that cannot be reached is no finding: something is dead just now. */
export function openWatch(control: Control, orgs: readonly StormOrg[]): Watch {
  const worst = new Map<string, WindowFault>();
  const over = new AbortController();
  let looks = 0;
  const note = (fault: WindowFault) => {
    const name = `${fault.org} ${fault.window} ${fault.overshootBy > 0}`;
    if (fault.overshootBy >= (worst.get(name)?.overshootBy ?? 0)) worst.set(name, fault);
  };
  const look = async (org: string) => {
    const ledger = await control.ledger(org, 0).catch(() => null);
    if (!ledger || over.signal.aborted) return;
    looks++;
    windowFaults(org, ledger).forEach(note);
  };
  const lookOn = async () => {
    for (; !over.signal.aborted; await sleep(pauseMs)) for (const { id } of orgs) await look(id);
  };
  const looking = lookOn();
  return {
    async stop() {
      over.abort();
      await looking;
      return { wrong: [...worst.values()], looks };
    },
  };
}

/**
 * At any instant `limit = remaining + held + settled`, nothing is below zero, and no more calls are open than holds are
 * counted.
 */
export function windowFaults(org: string, { windows, openHolds }: LedgerView): WindowFault[] {
  return windows.flatMap(({ window, of, limit, remaining, held, settled }) => {
    const found: WindowFault[] = [];
    const say = (what: string, overshootBy = 0) =>
      void found.push({ org, window, overshootBy, what: `${window} of ${of} ${what}` });
    if (held < 0 || settled < 0) say(`is below zero: held ${held}, settled ${settled}`);
    if (limit !== null && held + settled > limit)
      say(`overshoots: held ${held}, settled ${settled}, of ${limit}`, held + settled - limit);
    if (limit !== null && remaining !== limit - held - settled)
      say(`does not add up: ${limit} is not ${remaining} + ${held} + ${settled}`);
    if (window === "concurrency" && of === "org" && held !== openHolds.length)
      say(`holds ${held}, but ${openHolds.length} holds are open`);
    return found;
  });
}
