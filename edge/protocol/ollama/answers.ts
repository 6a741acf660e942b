import { z } from "zod";
import { refusals } from "../../errors.ts";

/**
 * What Ollama's clients are answered, as the API's document tells it. Nothing is parsed with these; tests hold them
 * against what is answered.
 */
const count = z.int().min(0);
const ns = count.describe("Nanoseconds, as the agent measured them; 0 where nobody knows.");

const TokenLogprob = z.looseObject({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullish() });
const metrics = {
  done_reason: z.enum(["stop", "length", "load", "unload"]).optional(),
  total_duration: ns.optional(),
  load_duration: ns.optional(),
  prompt_eval_count: count.optional(),
  prompt_eval_duration: ns.optional(),
  eval_count: count.optional(),
  eval_duration: ns.optional(),
};
const line = {
  model: z.string(),
  created_at: z.iso.datetime(),
  done: z.boolean().describe("The last line says `true`, and what was used; a stream that broke has no such line."),
  logprobs: z.array(TokenLogprob.extend({ top_logprobs: z.array(TokenLogprob).optional() })).optional(),
  ...metrics,
};
const calls = z
  .array(
    z.strictObject({
      id: z.string().optional(),
      function: z.strictObject({ index: count, name: z.string(), arguments: z.looseObject({}) }),
    }),
  )
  .optional();

/** An answer of `/api/chat`, or a line of one. */
export const OllamaChat = z.strictObject({
  ...line,
  message: z.strictObject({
    role: z.literal("assistant"),
    content: z.string(),
    thinking: z.string().optional(),
    tool_calls: calls,
  }),
});

/** An answer of `/api/generate`, or a line of one. */
export const OllamaGeneration = z.strictObject({
  ...line,
  response: z.string(),
  thinking: z.string().optional(),
  tool_calls: calls,
});

/** An answer of `/api/embed`; to a `prompt`, as of `/api/embeddings`, `embedding` alone. */
export const OllamaEmbeddings = z.strictObject({
  model: z.string().optional(),
  embeddings: z.array(z.array(z.number())).optional().describe("In the order of the inputs."),
  embedding: z.array(z.number()).optional().describe("That of the `prompt`; it stands alone."),
  total_duration: ns.optional(),
  load_duration: ns.optional(),
  prompt_eval_count: count.optional(),
});

/** A refusal, and the last line of a stream that broke. */
export const OllamaError = z.looseObject({
  error: z.string(),
  param: z.string().nullable(),
  code: z.enum(Object.keys(refusals)),
});
