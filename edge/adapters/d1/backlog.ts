import { within } from "../within.ts";

/** What a backlog is worked off with. */
export interface BacklogTerms {
  db: D1Database;
  now(): number;
}

const waitMsMax = 20_000;
/** Lines of one step: some 100 ms of D1, which answers nobody else meanwhile. */
const stepLines = 2_000;
/** How long one run of the cron goes on. */
const runMsMax = 10_000;

/** The trigger of migration 0009 adds up what a step passes. */
const takeStep = `UPDATE usage_backlog SET up_to = max(up_to - ${stepLines}, 0) WHERE up_to > 0
  RETURNING up_to AS left`;

/**
 * Adds up lines of the bill that were there before its roll-ups were, the newest first, for ten seconds at most.
 * Answers how many are left; 0 once all are added up, as ever after.
 */
export async function rollUpBacklog({ db, now }: BacklogTerms): Promise<number> {
  const endMs = now() + runMsMax;
  for (;;) {
    const step = await within<{ left: number } | null>(waitMsMax, "backlog", db.prepare(takeStep).first());
    const left = step?.left ?? 0;
    if (left === 0 || now() >= endMs) return left;
  }
}
