import { callPaths } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { encodeErrorEvent, streamHeaders } from "#edge/protocol/sse.ts";
import { askEngine } from "../ask-engine.ts";
import { buildCallHeaders, commitFinal, refuseLeft, type LiveCall } from "../live-call.ts";
import { settlePrompt } from "../record.ts";
import { ChunkRewriter } from "./chunk-rewriter.ts";
import { openEventWriter, openSilentWriter } from "./writer/event-writer.ts";
import { passCall } from "./pass-call.ts";
import type { Ending } from "./stream-answer.ts";

/**
 * Answers a call with a stream of events. Throws a Refusal until the head is sent; from then on every end, good or bad,
 * is reported in the stream itself, after its final record was written.
 */
export async function serveStream(call: LiveCall): Promise<void> {
  const { rooms, claims, prepared, response, controller, meter, engine } = call;
  const { limits } = rooms.config;
  const abandon = () =>
    controller.abort({
      outcome: "failed",
      refusal: new Refusal("gateway_timeout", { log: "engine_silent" }),
    } satisfies Ending);
  const timer = setTimeout(abandon, limits.streamIdleMsMax);
  const engineAnswer = await askEngine(call).finally(() => clearTimeout(timer));
  const { wantsUsage, wantsContinuousUsage, hidesReasoning, choices, path } = prepared;
  const { hasContinuousUsage, isUsageOfOneChoice } = engine.dialect;
  const rewriter = new ChunkRewriter(meter, {
    model: claims.model,
    choices,
    wantsUsage,
    wantsContinuousUsage,
    hidesReasoning,
    hasContinuousUsage,
    isUsageOfOneChoice,
  });
  if (controller.signal.aborted) {
    // What the engine had sent by now is told with the refusal (live-call.ts).
    await passCall(call, { engineAnswer, writer: openSilentWriter(), rewriter, limits });
    throw refuseLeft();
  }
  response.writeHead(200, {
    ...streamHeaders,
    "transfer-encoding": "chunked",
    ...buildCallHeaders(call),
  });
  response.flushHeaders();
  const writer = openEventWriter(response);
  const ending = await passCall(call, { engineAnswer, writer, rewriter, limits });
  await settlePrompt(meter, engine, prepared);
  commitFinal(call, ending.outcome, ending.refusal);
  if (ending.outcome !== "completed")
    return writer.end(ending.refusal ? Buffer.from(encodeErrorEvent(ending.refusal)).toString("latin1") : "");
  const isOwed = wantsUsage && !rewriter.hasSentUsage;
  const object = callPaths[path].chunkObject ?? "";
  writer.end(`${isOwed ? `data: ${rewriter.writeUsageChunk(rooms.now(), object)}\n\n` : ""}data: [DONE]\n\n`);
}
