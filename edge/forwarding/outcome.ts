import type { Tier } from "../agreements/records/model.ts";
import type { Refusal } from "../errors.ts";
import type { CallTimeout } from "../protocol/openai/timeout.ts";

/** No node answered. `mayRun`: one was aborted while it may have been running, so its output must still be billed. */
export interface NoAnswer {
  kind: "no";
  refusal: Refusal;
  mayRun: boolean;
}

/** An answer that has begun, the node it comes from, and how to release it. */
export interface Answer {
  kind: "answer";
  response: Response;
  node: string;
  servedBy: Tier;
  /** True when the body broke because the node stalled until the call's time was up. */
  isLate(): boolean;
  /** The time that it had. */
  timeout: CallTimeout;
  /** To be called when the body has broken, whoever broke it: its node may have died, and then says nothing more. */
  onBroken?: (() => void) | undefined;
  /** Ends the timer and tells the observer; to be called once the body has ended. */
  dispose(): void;
}
