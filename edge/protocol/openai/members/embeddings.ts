import { z } from "zod";
import { createCheckedSchema } from "../../fields.ts";
import { accepted, forwarded, orEmpty, readShape, refused, required, isUnsent } from "./member.ts";
import { findPromptFault, promptShown, type PromptInput } from "./prompt-input.ts";
import { harmless, modelMember, unavailable, withheld } from "./shared.ts";

const ofChats = "It belongs to chats; an input is embedded as it is.";
const floats = "embeddings are 32-bit numbers, as a list or in base64";

/** The members of `POST /v1/embeddings`. */
export const embeddingsMembers = {
  model: modelMember,
  input: required(createCheckedSchema<PromptInput>(findPromptFault), "What to embed.", promptShown),
  encoding_format: orEmpty(forwarded(z.enum(["float", "base64"]), "How each embedding is written.")),
  dimensions: forwarded(z.int().min(1).max(65_536), "Its length, where the model can shorten it."),
  truncate_prompt_tokens: forwarded(z.int().min(-1), "Cut each input to so many tokens; -1 to the model's context."),
  truncation_side: forwarded(z.enum(["left", "right"]), "The side that is cut."),
  add_special_tokens: forwarded(z.boolean(), "The tokenizer's marks around each input."),
  use_activation: forwarded(z.boolean(), "Normalize each embedding, where the model's own default is other."),
  padding: refused("inputs are never padded", (value) => isUnsent(value) || value === "do_not_pad"),
  embed_dtype: refused(floats, (value) => isUnsent(value) || value === "float32"),
  endianness: refused(floats, (value) => isUnsent(value) || value === "native" || value === "little"),
  messages: accepted("An embedding is made of `input`."),
  add_generation_prompt: accepted(ofChats),
  continue_final_message: accepted(ofChats),
  chat_template: accepted(ofChats),
  chat_template_kwargs: accepted(ofChats),
  stream: accepted("An embedding comes in one piece."),
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

/** The body of `POST /v1/embeddings`, within its bounds. */
export const EmbeddingsBody = z.object(readShape(embeddingsMembers));
export type EmbeddingsBody = z.infer<typeof EmbeddingsBody>;
