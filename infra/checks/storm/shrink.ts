import { makePlan } from "./plan/make-plan.ts";
import type { PlanOptions } from "./plan/plan.ts";

/** Fewer callers than these show nothing. */
const callersMin = 20;

/**
 * Looks for a smaller storm that still fails: first without one fault after another, then with half the callers again
 * and again, in at most `triesMax` storms. No storm runs the same way twice, so the result has failed at least once,
 * and its parent more often than not.
 */
export async function shrink(
  options: PlanOptions,
  isFailing: (options: PlanOptions) => Promise<boolean>,
  triesMax: number,
): Promise<PlanOptions> {
  let smallest = options;
  let tries = 0;
  const stillFails = async (candidate: PlanOptions) => {
    if (tries >= triesMax) return false;
    tries++;
    const fails = await isFailing(candidate);
    if (fails) smallest = candidate;
    return fails;
  };
  for (const { number } of makePlan(options).faults)
    await stillFails({ ...smallest, without: [...smallest.without, number] });
  let callers = Math.floor(smallest.callers / 2);
  while (callers >= callersMin && (await stillFails({ ...smallest, callers }))) callers = Math.floor(callers / 2);
  return smallest;
}

/** The command that runs such a storm again. */
export function writeReplayCommand({ seed, callers, store, edges, without }: PlanOptions): string {
  const flags = [`--seed ${seed}`, `--store ${store}`, `--callers ${callers}`];
  if (edges !== null) flags.push(`--edges ${edges}`);
  if (without.length > 0) flags.push(`--without ${without.join(",")}`);
  return `npm run storm -- ${flags.join(" ")}`;
}
