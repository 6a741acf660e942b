import type { NodeView } from "../fleet/port.ts";
import type { Call } from "../protocol/openai/call.ts";
import { fitsNode, refuseOversized, type CallSize } from "../protocol/sequences.ts";

/** The part of a call that says how large it is. */
export type SizedCall = Pick<Call, "path" | "prompts" | "choices" | "promptTokensGuess" | "completionTokens">;

/**
 * The nodes that take a call of this size when they are idle; one that has not said how much it takes is among them.
 * When no node of the model does, whatever its state, throws 400 `invalid_value`: no wait would help, and nothing has
 * been held yet. Without any node for the model the list is empty.
 */
export function selectAble(ofModel: readonly NodeView[], call: SizedCall): NodeView[] {
  const size: CallSize = { ...call, promptTokens: call.promptTokensGuess };
  const able = ofModel.filter(({ callMax }) => callMax === null || fitsNode(size, callMax));
  if (able.length > 0) return able;
  const [roomiest] = ofModel
    .flatMap(({ callMax }) => callMax ?? [])
    .toSorted((a, b) => b.sequences - a.sequences || (b.tokens ?? Number.MAX_VALUE) - (a.tokens ?? Number.MAX_VALUE));
  if (roomiest) refuseOversized(size, roomiest);
  return [];
}
