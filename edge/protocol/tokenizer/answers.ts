import { z } from "zod";
import { promptIdsMax } from "../../limits.ts";

const tokenCount = z.int().min(0);
const tokenIds = z.array(z.int().min(0)).max(promptIdsMax);

/** What a node says of a prompt's length. */
export const NodeCount = z.object({ count: tokenCount });
/** What it says of its tokens; the strings stand where they were asked for. */
export const NodeTokens = z.object({ tokens: tokenIds, token_strs: z.array(z.string()).max(promptIdsMax).nullable() });
export type NodeTokens = z.infer<typeof NodeTokens>;

/** A prompt's tokens, in vLLM's form. */
export const TokenizeAnswer = z.strictObject({
  count: tokenCount,
  max_model_len: z.int(),
  tokens: tokenIds,
  token_strs: z.array(z.string()).nullable(),
});

/** The text of tokens, in vLLM's form; also what a node says. */
export const DetokenizeAnswer = z.strictObject({ prompt: z.string() });

const templateBytesMax = 256 * 1024;
const mark = z.string().max(1_024).nullable();

/**
 * What a tokenizer is like, of vLLM's `/tokenizer_info`: what programs need that count or put chats together
 * themselves. The rest of an engine's configuration, paths on its machine among it, is not told.
 */
export const TokenizerTraits = z.strictObject({
  tokenizer_class: z.string().max(256),
  bos_token: mark,
  eos_token: mark,
  pad_token: mark,
  unk_token: mark,
  add_bos_token: z.boolean().nullable(),
  add_eos_token: z.boolean().nullable(),
  chat_template: z.string().max(templateBytesMax).nullable(),
});
export type TokenizerTraits = z.infer<typeof TokenizerTraits>;

/** What Anthropic's clients are told of a message's request. */
export const MessageTokenCount = z.strictObject({ input_tokens: tokenCount });

/** What OpenAI's clients are told of a response's request. */
export const ResponseTokenCount = z.strictObject({
  object: z.literal("response.input_tokens"),
  input_tokens: tokenCount,
});
