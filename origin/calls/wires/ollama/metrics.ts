import type { JsonObject } from "#edge/agreements/json.ts";
import type { AnswerContext } from "../wire.ts";

const nsPerMs = 1_000_000;

/**
 * What the last line of an answer tells of its call (Ollama's docs/api.md), times in ns as this agent measured them:
 * the prompt's until the first token, with what the call waited for in its engine, the answer's from then on. Nothing
 * is loaded for a call, so that took 0; so did what never came.
 */
export function writeMetrics(context: AnswerContext): JsonObject {
  const { startedAtMs } = context;
  const usage = context.readUsage();
  const nowMs = context.now();
  const firstAtMs = context.readFirstTokenAtMs();
  return {
    total_duration: countNs(startedAtMs, nowMs),
    load_duration: 0,
    prompt_eval_count: usage.prompt,
    prompt_eval_duration: firstAtMs === null ? 0 : countNs(startedAtMs, firstAtMs),
    eval_count: usage.completion,
    eval_duration: firstAtMs === null ? 0 : countNs(firstAtMs, nowMs),
  };
}

/** From one time to another, in whole ns; a clock that was set back makes 0 of it. */
export function countNs(fromMs: number, toMs: number): number {
  return Math.max(0, Math.round((toMs - fromMs) * nsPerMs));
}
