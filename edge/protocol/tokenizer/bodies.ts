import { z } from "zod";
import { promptIdsMax, tokenIdMax, tokenizedBytesMax } from "../../limits.ts";
import { createCheckedSchema } from "../fields.ts";
import { checkText, checkTokenIds } from "../openai/members/checks.ts";

const model = z.string().min(1).max(256);
const flag = z.boolean().nullish();
const checkIds = checkTokenIds(promptIdsMax);

/** A text whose tokens are asked for, as vLLM's `/tokenize` takes it; a chat is read as a chat is. */
export const TokenizeTextBody = z.object({
  model: model.nullish(),
  prompt: createCheckedSchema<string>(checkText(tokenizedBytesMax)),
  add_special_tokens: flag,
  return_token_strs: flag,
});
export type TokenizeTextBody = z.infer<typeof TokenizeTextBody>;

/** Tokens whose text is asked for, as vLLM's `/detokenize` takes them. */
export const DetokenizeBody = z.object({
  model: model.nullish(),
  tokens: createCheckedSchema<number[]>(checkIds),
});
export type DetokenizeBody = z.infer<typeof DetokenizeBody>;

/** What may stand beside the messages of a chat whose tokens are asked for. */
export const TokenizeChatExtras = z.object({ model: model.nullish(), return_token_strs: flag });

/** Both forms of what asks for tokens, as the API's document tells them. */
export const TokenizeRequest = z.looseObject({
  model: model.optional().describe("May be left out where the key may use one model only."),
  prompt: z.string().optional().describe("A text; or send `messages`."),
  messages: z.array(z.looseObject({ role: z.string() })).optional(),
  tools: z.array(z.looseObject({})).optional(),
  add_special_tokens: z.boolean().optional(),
  add_generation_prompt: z.boolean().optional(),
  return_token_strs: z.boolean().optional(),
});

/** The same for tokens. */
export const DetokenizeRequest = z.looseObject({
  model: model.optional().describe("May be left out where the key may use one model only."),
  tokens: z.array(z.int().min(0).max(tokenIdMax)).max(promptIdsMax),
});

/** What is counted for Anthropic's clients: a message's request without `max_tokens`. */
export const CountMessagesRequest = z.looseObject({
  model,
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  tools: z.unknown().optional().describe("As in the call itself."),
});

/** What is counted of a response's request. */
export const CountResponseRequest = z.looseObject({
  model,
  input: z.union([z.string(), z.array(z.looseObject({}))]).optional(),
  instructions: z.string().nullish(),
  tools: z.unknown().optional().describe("As in the call itself."),
});
