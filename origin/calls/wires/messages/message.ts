import type { JsonObject } from "#edge/agreements/json.ts";
import type { AnswerContext, AnswerUsage } from "../wire.ts";

/** The id of the message with this reference. */
export function nameMessage(reference: string): string {
  return `msg_${reference}`;
}

/** What of a message is known before its content. */
export function writeHead({ reference, model }: Pick<AnswerContext, "reference" | "model">) {
  return { id: nameMessage(reference), type: "message", role: "assistant", model };
}

/**
 * Usage as Anthropic counts it: `input_tokens` is without what was read from a cache, so that all three sorts of input
 * make up the prompt that is billed. What an engine writes into its cache costs nobody anything, so none is told: some
 * say how much (vLLM's `created_cache_tokens`), others do not.
 */
export function writeUsage({ prompt, cached, completion }: AnswerUsage) {
  return {
    input_tokens: prompt - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: completion,
  };
}

/**
 * What stands for the signature of a thought. Nobody checks it: some clients send back only thoughts that have one, and
 * a template may want them.
 */
export function writeSignature({ reference }: Pick<AnswerContext, "reference">): string {
  return reference;
}

/** The id of the call of a tool: the engine's, or one that no other call has. `at` is the block's index. */
export function nameCall(id: string, { reference }: Pick<AnswerContext, "reference">, at: number): string {
  return id === "" ? `toolu_${reference}_${at}` : id;
}

/** A block of a message before its content, as `content_block_start` shows it. */
export function writeStart(
  piece: { kind: "thinking" | "text" } | { kind: "tool_use"; id: string; name: string },
): JsonObject {
  if (piece.kind === "tool_use") return { type: "tool_use", id: piece.id, name: piece.name, input: {} };
  if (piece.kind === "text") return { type: "text", text: "" };
  return { type: "thinking", thinking: "", signature: "" };
}
