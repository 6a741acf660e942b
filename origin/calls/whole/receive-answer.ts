import type { JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";
import { readAnswerText } from "../../engines/http/client.ts";
import type { EngineAnswer } from "../../engines/http/connection.ts";
import type { LiveCall } from "../live-call.ts";
import { passCall } from "../stream/pass-call.ts";
import { openSilentWriter } from "../stream/writer/event-writer.ts";
import { AnswerAssembly } from "./assemble-answer.ts";
import { completeVllmForm } from "./vllm-form.ts";
import { readWhole } from "./whole-answer.ts";

const wholeBytesMax = 64 * 1024 * 1024;
/** The most that a timer can wait: whoever waits for a whole answer is patient until the call's deadline. */
const patientMs = 2 ** 31 - 1;

/**
 * Receives a whole answer of the engine and counts it: put together from the stream that it was asked for, or read in
 * one piece where the engine cannot stream this call or answers in one piece all the same. Throws a Refusal for what
 * breaks off or is no answer; then the meter knows what had come.
 */
export async function receiveAnswer(call: LiveCall, engineAnswer: EngineAnswer): Promise<JsonObject> {
  const isInOnePiece = engineAnswer.fields.get("content-type")?.startsWith("application/json") ?? false;
  return call.prepared.isEngineStream && !isInOnePiece
    ? assembleAnswer(call, engineAnswer)
    : readInOnePiece(call, engineAnswer);
}

async function assembleAnswer(call: LiveCall, engineAnswer: EngineAnswer): Promise<JsonObject> {
  const { prepared, meter, engine, rooms, controller } = call;
  const { path, choices, hidesReasoning, body } = prepared;
  const { hasContinuousUsage, isUsageOfOneChoice, isVllmForm } = engine.dialect;
  const rewriter = new AnswerAssembly(meter, {
    path,
    choices,
    hidesReasoning,
    hasContinuousUsage,
    isUsageOfOneChoice,
    charsMax: wholeBytesMax,
  });
  const limits = { ...rooms.config.limits, streamIdleMsMax: patientMs };
  const quiet = { writer: openSilentWriter(), waitSign: null };
  const ending = await passCall(call, { engineAnswer, rewriter, limits, ...quiet });
  if (rewriter.isTooLarge) throw refuseTooLarge();
  if (ending.outcome !== "completed" || controller.signal.aborted)
    throw new Refusal("bad_gateway", { log: ending.refusal?.details.log ?? "left" });
  const answer = rewriter.build();
  return isVllmForm ? completeVllmForm(answer, path, body) : answer;
}

async function readInOnePiece(call: LiveCall, engineAnswer: EngineAnswer): Promise<JsonObject> {
  const { signal } = call.controller;
  const leave = () => engineAnswer.fail(new Error("left"));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  try {
    const text = await readAnswerText(engineAnswer, wholeBytesMax);
    return readWhole(text, call.prepared.path, call.meter, call.engine.dialect.isUsageOfOneChoice);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** Not a fault of the node: another would make the same again, so the edge is to ask none. */
function refuseTooLarge(): Refusal {
  return new Refusal("invalid_value", {
    message: "The answer is larger than 64 MiB. Ask for it as a stream, or for fewer logprobs, choices or tokens.",
    log: "engine_answer_too_large",
  });
}
