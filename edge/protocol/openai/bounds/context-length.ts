import type { PromptField } from "../../../agreements/paths.ts";
import { Refusal } from "../../../errors.ts";

/** A call that does not fit its model's context, in tokens; `completionTokens` is null where none were asked for. */
export interface ContextNumbers {
  contextTokensMax: number;
  promptTokens: number;
  completionTokens: number | null;
  /** Nobody counted the prompt: it has this many tokens at least. */
  isAtLeast?: boolean;
}

/**
 * OpenAI's sentences on a full context, one for chats and one for prompts. LiteLLM, and with it aider and DSPy, know
 * the refusal by "This model's maximum context length is" (`is_error_str_context_window_exceeded`), CrewAI by "maximum
 * context length"; others read the numbers out of the rest.
 */
export function describeContext(field: PromptField, numbers: ContextNumbers): string {
  const { contextTokensMax, promptTokens, completionTokens, isAtLeast = false } = numbers;
  const limit = `This model's maximum context length is ${contextTokensMax} tokens`;
  const least = isAtLeast ? "at least " : "";
  const total = `${least}${promptTokens + (completionTokens ?? 0)}`;
  if (field !== "messages")
    return (
      `${limit}, however you requested ${total} tokens (${promptTokens} in your prompt; ` +
      `${completionTokens ?? 0} for the completion). Please reduce your prompt; or completion length.`
    );
  if (completionTokens === null)
    return `${limit}. However, your messages resulted in ${total} tokens. Please reduce the length of the messages.`;
  return (
    `${limit}. However, you requested ${total} tokens (${promptTokens} in the messages, ` +
    `${completionTokens} in the completion). Please reduce the length of the messages or completion.`
  );
}

/** The same of a call of which only the limit is known, because its engine told no more. */
export function describeContextLimit(field: PromptField, contextTokensMax: number): string {
  return (
    `This model's maximum context length is ${contextTokensMax} tokens. However, your ${field} and the completion ` +
    `need more. Please reduce the length of the ${field} or completion.`
  );
}

/**
 * Refuses a prompt that is too long by itself. `param` is its path; where that is one of several prompts, the message
 * names it.
 */
export function refuseLong(param: string, numbers: ContextNumbers): Refusal {
  const field = param.startsWith("messages") ? "messages" : param.startsWith("input") ? "input" : "prompt";
  const which = param === field ? "" : ` Too long by itself is '${param}'.`;
  return new Refusal("context_length_exceeded", { param, message: describeContext(field, numbers) + which });
}
