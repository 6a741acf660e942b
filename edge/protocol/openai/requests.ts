import { z } from "zod";
import { inputsMax, logitBiasMax, messagesMax, partsMax, promptIdsMax, toolsMax } from "../../limits.ts";
import { ChatBody, Text2SqlBody } from "./chat.ts";
import { CompletionsBody, EmbeddingsBody } from "./completions.ts";

/**
 * The bodies of calls as the API's document tells them: the very schemas that calls are parsed with, and in place of
 * what those read by hand, for speed, the same said in full.
 */
const Part = z.looseObject({
  type: z.string().min(1).describe("`text`, `image_url` and what else the model reads."),
  text: z.string().optional(),
  image_url: z.looseObject({ url: z.string().describe("A `data:` URI; addresses are not fetched.") }).optional(),
});

const Message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(Part).max(partsMax)]).nullish(),
  name: z.string().nullish(),
  tool_calls: z.array(z.looseObject({})).nullish(),
  tool_call_id: z.string().nullish(),
});

const Tool = z.looseObject({
  type: z.literal("function"),
  function: z
    .looseObject({
      name: z.string(),
      description: z.string().nullish(),
      parameters: z.looseObject({}).nullish().describe("JSON Schema."),
    })
    .optional(),
});

const tokenIds = z.array(z.int().min(0)).max(promptIdsMax);
const prompt = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1).max(inputsMax),
  tokenIds.min(1),
  z.array(tokenIds.min(1)).min(1).max(inputsMax),
]);

const model = z.string().min(1).max(256).describe("A model's id or an alias, as `/v1/models` lists them.");
const logit_bias = z
  .record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100))
  .nullish()
  .describe(`A token's id to its bias; at most ${logitBiasMax} of them.`);
const chat = {
  messages: z.array(Message).min(1).max(messagesMax),
  tools: z.array(Tool).max(toolsMax).nullish(),
  logit_bias,
};

/** The body of `POST /v1/chat/completions`. */
export const ChatCompletionRequest = ChatBody.extend({ model, ...chat });
/** The body of `POST /text2sql`. */
export const Text2SqlRequest = Text2SqlBody.extend({ model: model.nullish(), ...chat });
/** The body of `POST /v1/completions`. */
export const CompletionRequest = CompletionsBody.extend({ model, prompt, logit_bias });
/** The body of `POST /v1/embeddings`. */
export const EmbeddingRequest = EmbeddingsBody.extend({ model, input: prompt });
