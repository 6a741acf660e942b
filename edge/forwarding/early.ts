import type { EarlyCall } from "../protocol/openai/call.ts";
import type { Visit } from "../visit.ts";

/** Answers a call for which nothing is held and no engine asked, with 200 and JSON, also where a stream was wanted. */
export function answerEarly(visit: Visit, { early, model, ignored, wire }: EarlyCall): Response {
  visit.phase = "answer";
  const headers = { ...visit.headers, ...ignored.headers, "cache-control": "no-store" };
  return Response.json(early(model.id, visit.now()), { headers: wire.addHeaders(headers, visit.now()) });
}
