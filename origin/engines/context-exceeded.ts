import type { JsonObject } from "#edge/agreements/json.ts";
import { callPaths, isChat, type PromptField } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { describeContext } from "#edge/protocol/openai/bounds/context-length.ts";
import type { TokenCount } from "./tokenize.ts";
import type { RefusedCall } from "./translate.ts";

/** Counting a prompt costs the engine time: a body above this is refused without its numbers. */
const countedCharsMax = 1024 * 1024;

/** True when the tokens of this call are worth a count: it has one prompt, and not a huge one. */
export function isCountable({ path, body }: RefusedCall, bodyChars: number): boolean {
  if (bodyChars > countedCharsMax) return false;
  const prompt = body[callPaths[path].prompt];
  return isChat(path) || typeof prompt === "string" || (Array.isArray(prompt) && prompt.length === 1);
}

/**
 * Refuses a call that does not fit its model's context, in OpenAI's sentence, with the tokenizer's numbers. Without
 * numbers, or where they do not show why (pictures have tokens that no tokenizer counts), `known` stands: what is told
 * from the engine's own words (translate.ts).
 */
export function refuseContext(
  call: RefusedCall,
  count: TokenCount | null,
  { isDefaultMax, known }: { isDefaultMax: boolean; known: string | undefined },
): Refusal {
  const field = callPaths[call.path].prompt;
  const completion = isDefaultMax ? null : readCompletionMax(call.body);
  const message = (count && describeCount(field, count, completion)) ?? known;
  return new Refusal("context_length_exceeded", { param: field, message, log: "context" });
}

function describeCount(field: PromptField, { tokens, contextTokensMax }: TokenCount, completion: number | null) {
  if (contextTokensMax === null || tokens + (completion ?? 1) <= contextTokensMax) return null;
  return describeContext(field, { contextTokensMax, promptTokens: tokens, completionTokens: completion });
}

/** The bound that was sent; embeddings have none. */
function readCompletionMax(body: JsonObject): number | null {
  const sent = body["max_completion_tokens"] ?? body["max_tokens"];
  return typeof sent === "number" ? sent : null;
}
