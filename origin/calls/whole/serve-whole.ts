import { Refusal } from "#edge/errors.ts";
import { readAnswerText } from "../../engines/http/client.ts";
import { countTextTokens, guessText } from "../../engines/tokenize.ts";
import { askEngine } from "../ask-engine.ts";
import { buildCallHeaders, commitFinal, type LiveCall } from "../live-call.ts";
import { settlePrompt } from "../record.ts";
import { readEnding } from "../stream/stream-answer.ts";
import { startKeepAlive, readWhole, readTexts, writeWhole } from "./whole-answer.ts";

const wholeBytesMax = 64 * 1024 * 1024;

/**
 * Answers a call with one JSON body. Throws a Refusal while nothing has been sent. The engine is asked for a whole
 * answer too, so when a caller leaves early the agent never learns how many tokens were made: they pay for the prompt
 * and nothing for the completion. That record is a checkpoint, because a retry elsewhere may still settle the hold.
 */
export async function serveWhole(call: LiveCall): Promise<void> {
  const { rooms, claims, prepared, response, meter } = call;
  const headers = () => ({
    "content-type": "application/json",
    "cache-control": "no-store",
    ...buildCallHeaders(call),
  });
  const stopKeepAlive = startKeepAlive(response, rooms.config.limits, headers, rooms.metrics.notePing);
  try {
    const answer = readWhole(
      await readAnswerText(await askEngine(call), wholeBytesMax),
      prepared.path,
      meter,
      call.engine.dialect.isUsageOfOneChoice,
    );
    if (typeof answer["id"] === "string") call.responseId = answer["id"].slice(0, 128);
    await settlePrompt(meter, call.engine, prepared);
    if (meter.isCompletionUnknown) await countCompletion(call, readTexts(answer));
    if (call.controller.signal.aborted) throw new Refusal("bad_gateway", { log: "left" });
    if (!response.headersSent) response.writeHead(200, headers());
    commitFinal(call, "completed", null);
    response.end(writeWhole(answer, prepared.path, claims.model, meter));
  } catch (error) {
    if (!response.headersSent) throw error;
    await settlePrompt(meter, call.engine, prepared);
    const { aborted, reason } = call.controller.signal;
    commitFinal(call, aborted ? readEnding(reason).outcome : "failed", error instanceof Refusal ? error : null);
    response.destroy();
  } finally {
    stopKeepAlive();
  }
}

async function countCompletion(call: LiveCall, texts: string[]): Promise<void> {
  const { model } = call.prepared.body;
  const name = typeof model === "string" ? model : call.claims.model;
  const counts = await Promise.all(
    texts.map(async (text) => (await countTextTokens(call.engine, name, text)) ?? guessText(text)),
  );
  call.meter.noteCompletion(counts.reduce((sum, count) => sum + count, 0));
}
