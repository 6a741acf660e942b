import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { answerMember } from "#edge/agreements/paths.ts";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { Refusal } from "#edge/errors.ts";
import { readTranslated } from "#edge/protocol/wires/read-translated.ts";
import { wires } from "#edge/protocol/wires/wires.ts";
import type { NativeProtocol, Question } from "#infra/checks/accept/protocols/questions.ts";
import { makeModelRecords } from "#infra/local/engine/real-engine.ts";
import { AnswerAssembly } from "#origin/calls/whole/assemble-answer.ts";
import { UsageMeter, readBilledUsage } from "#origin/calls/usage-meter.ts";
import { openForeignStream } from "#origin/calls/wires/foreign-stream.ts";
import type { AnswerContext } from "#origin/calls/wires/wire.ts";
import { answerWires } from "#origin/calls/wires/wires.ts";
import type { Exchange } from "./exchange.ts";

/** The tiny model of the recordings, as `npm run dev -- --engine` finds it. */
const models: ModelRecord[] = makeModelRecords([
  { name: "Qwen/Qwen2.5-7B-Instruct", aliases: ["chat"], contextTokensMax: 2_048, isEmbedding: false },
]);

/** A question as the edge hands it to an agent: the chat, and what the answer repeats. */
export interface TranslatedQuestion {
  chat: JsonObject;
  repeated: JsonObject;
}

/** Reads a question as the edge does. Throws its Refusal. */
export function translateQuestion({ protocol, body }: Pick<Question, "protocol" | "body">): TranslatedQuestion {
  const call = wires[protocol].translate({ json: body, exact: null, headers: new Headers() });
  const { [answerMember]: repeated, ...chat } = readTranslated("chat.completions", call, models).body;
  return { chat, repeated: isObject(repeated) ? repeated : {} };
}

/** What vLLM is asked beneath, as the agent asks it (origin/calls/prepare.ts). */
export function writeChatCall({ chat }: TranslatedQuestion): JsonObject {
  return { ...chat, stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } };
}

/** What the edge says to a question that it refuses; null for one that it lets through. */
export function refuseQuestion(question: Question): Exchange | null {
  const wire = wires[question.protocol];
  try {
    translateQuestion(question);
    return null;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    const body = JSON.stringify(wire.buildError(refusal, "req_0123456789abcdef"));
    return { status: wire.readStatus(refusal), contentType: "application/json", body };
  }
}

/** What the agent writes, whole or as a stream, for the chunks of a chat. */
export function answerQuestion(
  { repeated }: TranslatedQuestion,
  { blocks = [] }: Exchange,
  { protocol, isStream }: { protocol: NativeProtocol; isStream: boolean },
): Exchange {
  const wire = answerWires[protocol];
  const meter = new UsageMeter({ tokensHeld: 4_096, completionTokensMax: 2_048, choicesPerPrompt: 1, echoChunks: 0 });
  const context = makeContext(meter, repeated);
  const counting = { choices: 1, hasContinuousUsage: true, isUsageOfOneChoice: false, hidesReasoning: false };
  const payloads = blocks
    .map((block) => Buffer.from(block.slice("data: ".length).trim(), "utf8").toString("latin1"))
    .filter((payload) => payload !== "[DONE]");
  if (isStream) {
    const stream = openForeignStream(meter, { ...counting, wire, context });
    const told = payloads.map((payload) => stream.frame(stream.read(payload) ?? "")).join("") + stream.finish();
    const text = Buffer.from(told, "latin1").toString("utf8");
    return { status: 200, contentType: wire.form.contentType, blocks: text.split(/(?<=\n\n)/) };
  }
  const path = "/v1/chat/completions";
  const assembly = new AnswerAssembly(meter, { ...counting, path, charsMax: 1_000_000 });
  for (const payload of payloads) assembly.read(payload);
  const answer = assembly.build();
  return {
    status: 200,
    contentType: "application/json",
    body: JSON.stringify(wire.buildWhole(answer, context)),
  };
}

function makeContext(meter: UsageMeter, repeated: JsonObject): AnswerContext {
  return {
    reference: "0123456789abcdefghijkl",
    model: models[0]?.id ?? "",
    repeated,
    startedAtMs: 0,
    now: () => 0,
    readUsage() {
      const { prompt_tokens: prompt, completion_tokens: completion } = readBilledUsage(meter);
      return { prompt, cached: meter.read().cachedTokens, completion, reasoning: meter.reasoningTokens };
    },
    readFirstTokenAtMs: () => null,
  };
}
