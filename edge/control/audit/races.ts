import { Refusal } from "../../errors.ts";

/** Of so many changes to one thing at once, each comes through: every round lets one at least pass. */
const triesMax = 50;

/**
 * Repeats an attempt that another change may come before (`undefined` then) until it comes through, and returns what it
 * gave. Each attempt reads anew what it is about. Refused with 503 when others come first for too long.
 */
export async function winRace<Won>(over: string, attempt: () => Promise<Won | undefined>): Promise<Won> {
  for (let tries = 0; tries < triesMax; tries++) {
    const won = await attempt();
    if (won !== undefined) return won;
  }
  throw new Refusal("store_unavailable", {
    message: "Too many changes at once. Repeat the request.",
    retryAfterMs: 1_000,
    log: `race for ${over} lost ${triesMax} times`,
  });
}
