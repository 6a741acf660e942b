import type { ModelRecord } from "../../../agreements/records/model.ts";
import { boundText, marksPerPrompt } from "./text.ts";

/** What is said once for all prompts of a call: the model that reads them, and the text that stands after each. */
interface PromptTerms {
  model: Pick<ModelRecord, "normalizes">;
  suffix?: unknown;
}

/**
 * Returns an upper bound, in tokens, of the prompts of a completion or the inputs of an embedding (M2): text as it may
 * be normalized, or the number of ids. A template for filling in prints the suffix with each prompt.
 */
export function boundPrompts(
  prompt: string | readonly (string | number | readonly number[])[],
  { model, suffix }: PromptTerms,
): number {
  const form = model.normalizes ?? "NFC";
  const perPrompt = marksPerPrompt + (typeof suffix === "string" ? boundText(suffix, form) : 0);
  if (typeof prompt === "string") return boundText(prompt, form) + perPrompt;
  if (typeof prompt[0] === "number") return prompt.length + perPrompt;
  let tokens = prompt.length * perPrompt;
  for (const item of prompt) {
    if (typeof item === "string") tokens += boundText(item, form);
    else tokens += typeof item === "number" ? 1 : item.length;
  }
  return tokens;
}
