import type { ServedModel } from "../served-model.ts";
import { makeProblem, type Problem } from "../problems.ts";
import { readMessages, renderChat, type Message } from "../text/template.ts";
import { tokenCharsMax, tokenize } from "../text/tokenizer.ts";
import type { Fields } from "./fields.ts";

/** The messages, and the prompt that the template makes of them. Throws vLLM's 400 when it does not fit the context. */
export function readPrompt(fields: Fields, model: ServedModel): { messages: Message[]; prompt: number[] } {
  const messages = readMessages(fields.list("messages"), model);
  if (messages.length === 0)
    throw makeProblem("Cannot apply chat template to an empty conversation. Provide at least one message.");
  const isContinued = fields.is("continue_final_message");
  const hasGenerationPrompt = fields.raw["add_generation_prompt"] === undefined || fields.is("add_generation_prompt");
  if (isContinued && hasGenerationPrompt) {
    throw makeProblem(
      "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when " +
        "you want the model to continue the final message, " +
        "and add_generation_prompt when you want to add a header that will prompt it to start a new assistant " +
        "message instead.",
    );
  }
  const { contextTokens } = model.engine.profile;
  const text = renderChat(messages, { tools: fields.list("tools"), hasGenerationPrompt, isContinued });
  checkLength(text, fields, contextTokens);
  return { messages, prompt: fitPrompt(tokenize(text), fields, contextTokens) };
}

/** The last `truncate_prompt_tokens` of a prompt; -1 means as many as fit. */
export function truncatePrompt(prompt: number[], fields: Fields, tokensMax = prompt.length): number[] {
  const tokensWanted = fields.number("truncate_prompt_tokens");
  return tokensWanted === null ? prompt : prompt.slice(-(tokensWanted < 0 ? tokensMax : tokensWanted));
}

/**
 * vLLM does not count the tokens of a text that cannot fit even if all its tokens were the longest there are: a 400 of
 * its own.
 */
export function checkLength(text: string, fields: Fields, contextTokens: number): void {
  const charsMax = contextTokens * tokenCharsMax;
  if (text.length <= charsMax || fields.number("truncate_prompt_tokens") !== null) return;
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, your prompt contains ` +
    `${text.length} characters (more than ${charsMax} characters, ` +
    `which is the upper bound for ${contextTokens} input tokens). Please reduce the length of the input prompt.`;
  throw makeProblem(message, "input_text", text.length);
}

/** The 400 of a prompt that is too long by itself. */
export function contextExceeded(contextTokens: number): Problem {
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, your prompt contains at least ` +
    `${contextTokens + 1} input tokens, which exceeds ` +
    "this limit even without any output tokens. Please reduce the length of the input prompt.";
  return makeProblem(message, "input_tokens", contextTokens + 1);
}

/** The prompt, cut from the left when asked. vLLM stops counting one token above the limit. */
export function fitPrompt(prompt: number[], fields: Fields, contextTokens: number): number[] {
  const kept = truncatePrompt(prompt, fields, contextTokens - 1);
  if (kept.length > contextTokens) throw contextExceeded(contextTokens);
  if (kept.length === contextTokens) throw makeProblem("max_tokens must be at least 1, got 0.", "max_tokens", 0);
  return kept;
}
