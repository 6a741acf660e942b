import { callPaths, isForeign } from "#edge/agreements/paths.ts";
import { readReference } from "#edge/agreements/tokens/ids.ts";
import type { LiveCall } from "../live-call.ts";
import { readBilledUsage } from "../usage-meter.ts";
import { openForeignStream } from "./foreign-stream.ts";
import { openOpenaiStream } from "./openai-stream.ts";
import type { AnswerContext, AnswerStream, AnswerWire } from "./wire.ts";
import { answerWires } from "./wires.ts";

/** Opens the stream that a call's caller reads. */
export function openAnswerStream(call: LiveCall): AnswerStream {
  const { rooms, claims, prepared, meter, engine } = call;
  const { wantsUsage, wantsContinuousUsage, hidesReasoning, choices, path } = prepared;
  const { hasContinuousUsage, isUsageOfOneChoice } = engine.dialect;
  const counting = { choices, hasContinuousUsage, isUsageOfOneChoice, hidesReasoning };
  const wire = findAnswerWire(call);
  if (wire) return openForeignStream(meter, { ...counting, wire, context: makeContext(call) });
  return openOpenaiStream(meter, {
    ...counting,
    model: claims.model,
    wantsUsage,
    wantsContinuousUsage,
    object: callPaths[path].chunkObject ?? "",
    now: rooms.now,
  });
}

/** How the answer of a call is written, where that is not as its engine does; null for all others. */
export function findAnswerWire({ claims }: Pick<LiveCall, "claims">): AnswerWire | null {
  return isForeign(claims.endpoint) ? answerWires[claims.endpoint] : null;
}

/** What an answer tells of its call. */
export function makeContext(call: LiveCall): AnswerContext {
  const { claims, prepared, meter, rooms, startedAtMs } = call;
  return {
    reference: readReference(claims.hold),
    model: claims.model,
    repeated: prepared.repeated ?? {},
    startedAtMs,
    now: rooms.now,
    readUsage() {
      const { prompt_tokens, completion_tokens } = readBilledUsage(meter);
      const prompt = meter.promptTokensCounted === null ? (claims.promptTokensGuess ?? prompt_tokens) : prompt_tokens;
      const { cachedTokens: cached } = meter.read();
      return { prompt, cached, completion: completion_tokens, reasoning: meter.reasoningTokens };
    },
    readFirstTokenAtMs: () => call.firstTokenAtMs,
  };
}
