import type { JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";
import { countTextTokens, guessText } from "../../engines/tokenize.ts";
import { hideReasoning } from "../answer-parts.ts";
import { askEngine } from "../ask-engine.ts";
import { buildCallHeaders, commitFinal, refuseLeft, tellMade, type LiveCall } from "../live-call.ts";
import { settlePrompt } from "../record.ts";
import { readEnding } from "../stream/stream-answer.ts";
import { isInPieces, isPaidRefusal, receiveInPieces } from "./pieces.ts";
import { receiveAnswer } from "./receive-answer.ts";
import { findAnswerWire, makeContext } from "../wires/open-stream.ts";
import { listChoices, readTexts, startKeepAlive, writeWhole } from "./whole-answer.ts";

/**
 * Answers a call with one JSON body. Throws a Refusal while nothing has been sent.
 *
 * Who pays what, when no answer comes of it: what the engine had put on the wire, told by checkpoints on the way and by
 * a last one here. It is no final record, because the edge may ask another node as long as no byte has reached the
 * caller. Then that node's final record settles the hold, at the larger of the two and never at their sum; when no node
 * answers, giving the hold back charges the checkpoint, and so does its expiry when the caller has left. After white
 * space was sent there is no other node, and the record is final.
 */
export async function serveWhole(call: LiveCall): Promise<void> {
  const { rooms, prepared, response, meter } = call;
  const headers = () => ({
    "content-type": "application/json",
    "cache-control": "no-store",
    ...buildCallHeaders(call),
  });
  const stopKeepAlive = startKeepAlive(response, rooms.config.limits, headers, rooms.metrics.notePing);
  try {
    const answer = isInPieces(call) ? await receiveInPieces(call) : await receiveAnswer(call, await askEngine(call));
    if (typeof answer["id"] === "string") call.responseId = answer["id"].slice(0, 128);
    await settlePrompt(meter, call.engine, prepared);
    if (meter.isCompletionUnknown) await countCompletion(call, answer);
    if (call.controller.signal.aborted) throw refuseLeft();
    if (!response.headersSent) response.writeHead(200, headers());
    commitFinal(call, "completed", null);
    // What was put together has none any more; what came in one piece is counted as it came, and hidden only now.
    if (prepared.hidesReasoning) hideReasoning(listChoices(answer));
    response.end(writeAnswer(answer, call));
  } catch (error) {
    const { aborted, reason } = call.controller.signal;
    if (!response.headersSent) {
      if (isPaidRefusal(error, call)) await tellMade(call, "failed", true);
      else if (!aborted && meter.hasContent) await tellMade(call, "failed");
      throw error;
    }
    await settlePrompt(meter, call.engine, prepared);
    commitFinal(call, aborted ? readEnding(reason).outcome : "failed", error instanceof Refusal ? error : null);
    response.destroy();
  } finally {
    stopKeepAlive();
  }
}

/** The answer in its caller's protocol. */
function writeAnswer(answer: JsonObject, call: LiveCall): string {
  const { claims, prepared, meter } = call;
  const wire = findAnswerWire(call);
  return wire
    ? JSON.stringify(wire.buildWhole(answer, makeContext(call)))
    : writeWhole(answer, prepared.path, claims.model, meter);
}

async function countCompletion(call: LiveCall, answer: JsonObject): Promise<void> {
  const { model } = call.prepared.body;
  const name = typeof model === "string" ? model : call.claims.model;
  const counts = await Promise.all(
    readTexts(answer).map(async (text) => (await countTextTokens(call.engine, name, text)) ?? guessText(text)),
  );
  call.meter.noteCompletion(counts.reduce((sum, count) => sum + count, 0));
}
