import type { JsonObject } from "#edge/agreements/json.ts";
import type { AnswerContext } from "#origin/calls/wires/wire.ts";

export const startedAtMs = Date.UTC(2026, 10, 29, 12, 0, 0);

/** What an answer tells of its call: begun 100 ms ago, with its first token after 40 ms. */
export function contextOf(repeated: JsonObject = {}, firstTokenAtMs: number | null = startedAtMs + 40): AnswerContext {
  return {
    reference: "0123456789abcdefghijkl",
    model: "m",
    repeated,
    startedAtMs,
    now: () => startedAtMs + 100,
    readUsage: () => ({ prompt: 12, cached: 4, completion: 3, reasoning: 0 }),
    readFirstTokenAtMs: () => firstTokenAtMs,
  };
}

export const head = { model: "m", created_at: "2026-11-29T12:00:00.100Z" };
export const end = {
  done: true,
  done_reason: "stop",
  total_duration: 100_000_000,
  load_duration: 0,
  prompt_eval_count: 12,
  prompt_eval_duration: 40_000_000,
  eval_count: 3,
  eval_duration: 60_000_000,
};
