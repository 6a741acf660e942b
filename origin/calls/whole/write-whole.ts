import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { callPaths } from "#edge/agreements/paths.ts";
import type { LiveCall } from "../live-call.ts";
import { readBilledUsage } from "../usage-meter.ts";
import { findAnswerWire, makeContext } from "../wires/open-stream.ts";

/** vLLM's internals, which callers do not get to see. */
const engineMembers = ["kv_transfer_params", "ec_transfer_params", "metrics"];

/** The answer as the caller sees it: in their protocol, with our name of the model, and the usage that is billed. */
export function writeWhole(answer: JsonObject, call: LiveCall): string {
  const { claims, prepared, meter } = call;
  const wire = findAnswerWire(call);
  if (wire) return JSON.stringify(wire.buildWhole(answer, makeContext(call)));
  const { completion_tokens, ...usage } = readBilledUsage(meter);
  const billed = callPaths[prepared.path].chunkObject === null ? usage : { ...usage, completion_tokens };
  const visible = Object.fromEntries(Object.entries(answer).filter(([name]) => !engineMembers.includes(name)));
  return JSON.stringify({
    ...visible,
    model: claims.model,
    usage: { ...(isObject(answer["usage"]) && answer["usage"]), ...billed },
  });
}
