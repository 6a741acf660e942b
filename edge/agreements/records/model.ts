import { z } from "zod";
import { CallEndpoint, EngineEndpoint } from "../paths.ts";

/** What a key's scope may name: the endpoints that reach an engine, and the list of models. */
export const Endpoint = z.enum([...CallEndpoint.options, "models"]);
export type Endpoint = z.infer<typeof Endpoint>;

/** `shared` nodes serve standard calls; `complex` ones are dedicated to calls that would stall their neighbours. */
export const Tier = z.enum(["shared", "complex"]);
export type Tier = z.infer<typeof Tier>;

/** The highest price, in micro-units for a million tokens. */
export const priceMicrosMax = 1_000_000_000;

const Micros = z.int().min(0).max(priceMicrosMax);

/**
 * Micro-units (millionths) of the deployment's `CURRENCY`, for a million tokens. Of a prompt, what the prefix cache had
 * may cost less: then that has a price of its own, never a higher one, so that what is held is enough.
 */
export const Price = z
  .strictObject({
    promptMicrosPerMTok: Micros,
    cachedMicrosPerMTok: Micros.optional(),
    completionMicrosPerMTok: Micros,
  })
  .refine(isDiscount, { path: ["cachedMicrosPerMTok"], error: "must not be above `promptMicrosPerMTok`" });
export type Price = z.infer<typeof Price>;

/** Whether cached tokens cost no more than others. */
export function isDiscount(price: { promptMicrosPerMTok: number; cachedMicrosPerMTok?: number | undefined }): boolean {
  return (price.cachedMicrosPerMTok ?? 0) <= price.promptMicrosPerMTok;
}

/**
 * What a model takes of one kind of node: the KV pool, and GPU seconds `start + perPromptToken·(P−C) +
 * perPromptTokenSquared·(P−C)·P + perToken·n·D` at the node's usual batch. Measured for each model and kind and set
 * here; nothing refits them.
 */
export const Coefficients = z.strictObject({
  poolTokens: z.int().min(1),
  startSeconds: z.number().min(0),
  secondsPerPromptToken: z.number().min(0),
  secondsPerPromptTokenSquared: z.number().min(0),
  secondsPerToken: z.number().min(0),
});
export type Coefficients = z.infer<typeof Coefficients>;

/** A kind of node, such as its GPU: `l4`. */
export const NodeKind = z.string().regex(/^[a-z0-9-]{1,32}$/);

/** The form of Unicode that a tokenizer turns text into before it counts. */
export const NormalForm = z.enum(["NFC", "NFKC"]);
export type NormalForm = z.infer<typeof NormalForm>;

/** Tokens that one part of a message may become at most, by its kind. */
export const MediaTokens = z.strictObject({
  image: z.int().min(1).optional(),
  audio: z.int().min(1).optional(),
  video: z.int().min(1).optional(),
});
export type MediaTokens = z.infer<typeof MediaTokens>;

/** What a model may be able to do in a chat, beside answering. */
export const Ability = z.enum(["tools", "structured_outputs", "reasoning"]);
export type Ability = z.infer<typeof Ability>;

/** A model as the edge is configured to serve it. */
export const ModelRecord = z.strictObject({
  id: z.string().min(1).max(256).describe("Its public id, such as `Qwen/Qwen2.5-7B-Instruct`."),
  aliases: z.array(z.string().min(1)).describe("Further names that callers may use; the first is shown by `/health`."),
  endpoints: z
    .array(z.enum([...EngineEndpoint.options, "models"]))
    .min(1)
    .describe(
      "What it serves, of `chat.completions`, `completions`, `embeddings`, `text2sql`, `rerank`, `score`, " +
        "`audio.transcriptions`, `audio.translations`, `audio.speech`, `images.generations`.",
    ),
  contextTokensMax: z.int().min(1).describe("Its context; no more than the engine's."),
  completionTokensDefault: z
    .int()
    .min(1)
    .describe("What `max_tokens` becomes when a chat call does not set it: never the rest of the context."),
  normalizes: NormalForm.optional().describe(
    "The form of Unicode that its tokenizer turns text into: `NFC` (the default, right for one that does nothing as " +
      "well) or `NFKC`. A prompt's bound stands on it.",
  ),
  templateTokensMax: z
    .int()
    .min(0)
    .optional()
    .describe("What its chat template adds by itself, such as a system prompt of its own, in tokens; 64 if absent."),
  mediaTokensMax: MediaTokens.optional().describe(
    "The most tokens of one `image`, `audio` or `video`; it takes only what is named here.",
  ),
  ownedBy: z.string().describe("Who made it; shown by `/v1/models`."),
  displayName: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("Its name for people, shown by `/v1/models`; its id unless set."),
  abilities: z
    .array(Ability)
    .optional()
    .describe(
      "Of `tools`, `structured_outputs`, `reasoning`: what it can do in a chat. Clients learn it from `/v1/models`; " +
        "nothing is refused by it. `structured_outputs` unless set.",
    ),
  createdAtMs: z.int().describe("Since when, in Unix milliseconds; shown by `/v1/models`."),
  prices: z
    .strictObject({ shared: Price, complex: Price })
    .describe(
      "By tier: `promptMicrosPerMTok`, `completionMicrosPerMTok` and, if cached tokens cost less, " +
        "`cachedMicrosPerMTok`: millionths of `CURRENCY` a million tokens. A price that an operator sets by the " +
        "control API comes before it.",
    ),
  unitTokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      "What one unit counts as, in tokens, where calls are measured in units: a second of audio, a character to " +
        "speak, an image, a document. Windows and prices go by it. Unset, documents are billed by their tokens.",
    ),
  audioSecondsMax: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe("The longest audio that it hears in one call, in seconds; 1,800 unless set."),
  sequencesMax: z
    .int()
    .min(1)
    .optional()
    .describe("The most sequences of one call, prompts times `n`, where it is to be less than 64."),
  scoredTokensMax: z
    .int()
    .min(1)
    .optional()
    .describe("The longest prompt, in tokens, whose log-probabilities may be asked for; 1,024 unless set."),
  templateSwitches: z
    .array(z.string().regex(/^\w{1,64}$/))
    .max(32)
    .optional()
    .describe("Further names in `chat_template_kwargs` that its template reads."),
  coefficients: z
    .record(NodeKind, Coefficients)
    .optional()
    .describe("What it takes of each kind of node; a kind that is not named gets those of a 7B model on an L4."),
});
export type ModelRecord = z.infer<typeof ModelRecord>;

/** The model of this id or alias, wherever a model is named: in a call, the scope of a key or token, a query. */
export function findByName<Model extends Pick<ModelRecord, "id" | "aliases">>(
  models: readonly Model[],
  name: string,
): Model | null {
  return models.find(({ id, aliases }) => id === name || aliases.includes(name)) ?? null;
}

/**
 * Computes integer micro-units, rounded up per call, so that the sum of rows equals the sum of bills. `cachedTokens`
 * are some of the prompt's.
 */
export function computeCostMicros(
  price: Price,
  promptTokens: number,
  completionTokens: number,
  cachedTokens = 0,
): number {
  const { promptMicrosPerMTok, completionMicrosPerMTok, cachedMicrosPerMTok = promptMicrosPerMTok } = price;
  const whole = promptMicrosPerMTok * promptTokens + completionMicrosPerMTok * completionTokens;
  const saved = (promptMicrosPerMTok - cachedMicrosPerMTok) * cachedTokens;
  if (Number.isSafeInteger(whole)) return Math.ceil((whole - saved) / 1_000_000);
  // A sum above 2^53 is no longer exact as a number.
  const exact =
    BigInt(promptMicrosPerMTok) * BigInt(promptTokens - cachedTokens) +
    BigInt(cachedMicrosPerMTok) * BigInt(cachedTokens) +
    BigInt(completionMicrosPerMTok) * BigInt(completionTokens);
  return Number((exact + 999_999n) / 1_000_000n);
}
