import { Refusal } from "../../errors.ts";
import { slotWaitMs, slotWaitMsMax } from "../../limits.ts";

const waitHeader = "x-penstock-wait-ms";

/**
 * Reads how long a call may wait for a slot, in ms: `slotWaitMs` where its caller does not say. Refuses what is no whole
 * number up to `slotWaitMsMax`: whoever misspells it would be refused, or kept waiting, against their will.
 */
export function readWait(headers: Headers): number {
  const text = headers.get(waitHeader);
  if (text === null) return slotWaitMs;
  const ms = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (ms <= slotWaitMsMax) return ms;
  throw new Refusal("invalid_value", {
    param: waitHeader,
    message: `'${waitHeader}' must be a whole number of milliseconds from 0 to ${slotWaitMsMax}.`,
  });
}
