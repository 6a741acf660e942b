import type { NodeRecord } from "../agreements/records/node.ts";
import { Refusal } from "../errors.ts";
import type { EarlyCall } from "../protocol/openai/call.ts";
import type { Visit } from "../visit.ts";

/**
 * Answers a call for which nothing is held and no engine asked, with 200 and JSON, also where a stream was wanted.
 * Throws 503 where no node serves the model: what the call asks is whether one does.
 */
export function answerEarly(
  visit: Visit,
  { early, model, ignored, wire }: EarlyCall,
  nodes: readonly NodeRecord[],
): Response {
  if (nodes.length === 0) throw new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: "no eligible node" });
  visit.phase = "answer";
  const headers = { ...visit.headers, ...ignored.headers, "cache-control": "no-store" };
  return Response.json(early(model.id, visit.now()), { headers: wire.addHeaders(headers, visit.now()) });
}
