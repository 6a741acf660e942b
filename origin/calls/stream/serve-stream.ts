import { Refusal } from "#edge/errors.ts";
import { askEngine } from "../ask-engine.ts";
import { buildCallHeaders, commitFinal, refuseLeft, type LiveCall } from "../live-call.ts";
import { settlePrompt } from "../record.ts";
import { openAnswerStream } from "../wires/open-stream.ts";
import { openEventWriter, openSilentWriter } from "./writer/event-writer.ts";
import { passCall } from "./pass-call.ts";
import type { Ending } from "./stream-answer.ts";

/**
 * Answers a call with a stream of events. Throws a Refusal until the head is sent; from then on every end, good or bad,
 * is reported in the stream itself, after its final record was written.
 */
export async function serveStream(call: LiveCall): Promise<void> {
  const { rooms, prepared, response, controller, meter, engine } = call;
  const { limits } = rooms.config;
  const abandon = () =>
    controller.abort({
      outcome: "failed",
      refusal: new Refusal("gateway_timeout", { log: "engine_silent" }),
    } satisfies Ending);
  const timer = setTimeout(abandon, limits.streamIdleMsMax);
  const engineAnswer = await askEngine(call).finally(() => clearTimeout(timer));
  const stream = openAnswerStream(call);
  const waitSign = stream.form.waitSign && Buffer.from(stream.form.waitSign).toString("latin1");
  const parts = { engineAnswer, rewriter: stream, limits, waitSign };
  if (controller.signal.aborted) {
    // What the engine had sent by now is told with the refusal (live-call.ts).
    await passCall(call, { ...parts, writer: openSilentWriter() });
    throw refuseLeft();
  }
  response.writeHead(200, {
    ...stream.form.headers,
    "transfer-encoding": "chunked",
    ...buildCallHeaders(call),
  });
  response.flushHeaders();
  const writer = openEventWriter(response);
  const ending = await passCall(call, { ...parts, writer });
  await settlePrompt(meter, engine, prepared);
  commitFinal(call, ending.outcome, ending.refusal);
  writer.end(ending.outcome === "completed" ? stream.finish() : stream.fail(ending.refusal));
}
