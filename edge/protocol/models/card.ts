import { z } from "zod";
import { CallEndpoint, findEngineEndpoint, type EngineEndpoint } from "../../agreements/paths.ts";
import { Ability, Price, type ModelRecord } from "../../agreements/records/model.ts";

/** What a model is for. Whoever lets people choose a model to chat with leaves out all but `chat`. */
export const ModelPurpose = z.enum(["chat", "completion", "embedding", "rerank", "transcription", "speech", "image"]);
export type ModelPurpose = z.infer<typeof ModelPurpose>;

/** What goes into a model, and what comes out, in OpenRouter's words. */
const InputModality = z.enum(["text", "image", "audio", "video"]);
const OutputModality = z.enum(["text", "embeddings", "rerank", "audio", "image"]);

const Modalities = z.strictObject({
  input_modalities: z.array(InputModality),
  output_modalities: z.array(OutputModality),
});

/** The price of a token in the deployment's currency, as decimal strings; of a shared call, which most are. */
const TokenPrices = z.strictObject({
  prompt: z.string(),
  completion: z.string(),
  request: z.literal("0"),
  currency: z.string().describe("ISO 4217."),
});

/**
 * A model as OpenAI lists it, with what other lists are read for: vLLM's `max_model_len`, `root` and `parent`,
 * OpenRouter's `context_length`, `architecture`, `pricing` and `supported_parameters`. Lengths are in tokens, `created`
 * is in Unix seconds. An alias is an entry of its own, whose `root` and `parent` are its model's id.
 */
export const ModelCard = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
  root: z.string(),
  parent: z.string().nullable(),
  aliases: z.array(z.string()),
  name: z.string(),
  display_name: z.string(),
  type: ModelPurpose,
  context_length: z.int(),
  max_model_len: z.int(),
  max_output_tokens: z.int().optional(),
  architecture: Modalities,
  ...Modalities.shape,
  capabilities: z.record(
    z.enum([
      "chat",
      "completions",
      "embeddings",
      "rerank",
      "vision",
      "transcriptions",
      "speech",
      "images",
      ...Ability.options,
    ]),
    z.boolean(),
  ),
  supported_parameters: z.array(z.string()),
  endpoints: z.array(CallEndpoint),
  pricing: TokenPrices,
  prices: z.strictObject({ shared: Price, complex: Price }),
});
export type ModelCard = z.infer<typeof ModelCard>;

/** The models that a key may use. */
export const ModelList = z.strictObject({ object: z.literal("list"), data: z.array(ModelCard) });
export type ModelList = z.infer<typeof ModelList>;

/** The members that each kind of model obeys, by the names under which OpenRouter's list is searched. */
export const obeyedMembers: Readonly<Record<ModelPurpose | Ability, readonly string[]>> = {
  chat: [
    ..."max_tokens temperature top_p top_k min_p seed stop logit_bias logprobs top_logprobs".split(" "),
    ..."frequency_penalty presence_penalty repetition_penalty".split(" "),
  ],
  completion: [
    ..."max_tokens temperature top_p top_k min_p seed stop logit_bias logprobs".split(" "),
    ..."frequency_penalty presence_penalty repetition_penalty".split(" "),
  ],
  embedding: ["dimensions", "encoding_format"],
  rerank: ["top_n", "truncate_prompt_tokens"],
  transcription: ["language", "prompt", "response_format", "temperature"],
  speech: ["voice", "response_format", "speed", "instructions"],
  image: ["n", "size", "quality", "style", "background", "output_format"],
  tools: ["tools", "tool_choice", "parallel_tool_calls"],
  structured_outputs: ["response_format", "structured_outputs"],
  reasoning: ["include_reasoning", "reasoning_effort"],
};

/** What a model is for; one that chats is for chats, whatever else it does, and one that ranks may embed as well. */
export function findPurpose({ endpoints }: Pick<ModelRecord, "endpoints">): ModelPurpose {
  const serves = (endpoint: EngineEndpoint) => endpoints.includes(endpoint);
  if (serves("chat.completions") || serves("text2sql")) return "chat";
  if (serves("completions")) return "completion";
  if (serves("rerank") || serves("score")) return "rerank";
  if (serves("audio.transcriptions") || serves("audio.translations")) return "transcription";
  if (serves("audio.speech")) return "speech";
  return serves("images.generations") ? "image" : "embedding";
}

/** Every endpoint that a model can be called by, those of other protocols too. */
export function listCallEndpoints({ endpoints }: Pick<ModelRecord, "endpoints">): CallEndpoint[] {
  return CallEndpoint.options.filter((endpoint) => endpoints.includes(findEngineEndpoint(endpoint)));
}

/** A model's name for people. */
export function nameForPeople({ id, displayName }: Pick<ModelRecord, "id" | "displayName">): string {
  return displayName ?? id;
}

/**
 * The answer that a model is good for, in tokens, as clients take it: they send it as `max_tokens`, beside which the
 * prompt must still find room. So it is half of the context; a call may ask for more.
 */
export function adviseOutputTokens({ contextTokensMax }: Pick<ModelRecord, "contextTokensMax">): number {
  return Math.max(1, Math.floor(contextTokensMax / 2));
}

/** What a model is said to be able to do in a chat. */
export function listAbilities(model: Pick<ModelRecord, "endpoints" | "abilities">): readonly Ability[] {
  return findPurpose(model) === "chat" ? (model.abilities ?? ["structured_outputs"]) : [];
}

/** Micro-units for a million tokens as units for one token, to the last digit: 200000 is "0.0000002". */
export function formatTokenPrice(microsPerMTok: number): string {
  const digits = String(microsPerMTok).padStart(13, "0");
  const fraction = digits.slice(-12).replace(/0+$/, "");
  return `${digits.slice(0, -12)}${fraction && `.${fraction}`}`;
}

/** Builds the public card of a model under one of its names. Prices are in the deployment's currency. */
export function buildModelCard(model: ModelRecord, name: string, currency: string): ModelCard {
  const type = findPurpose(model);
  const abilities = listAbilities(model);
  const endpoints = listCallEndpoints(model);
  const modalities = readModalities(model, type);
  const { shared } = model.prices;
  return {
    id: name,
    object: "model",
    created: Math.floor(model.createdAtMs / 1_000),
    owned_by: model.ownedBy,
    root: model.id,
    parent: name === model.id ? null : model.id,
    aliases: model.aliases,
    name: nameForPeople(model),
    display_name: nameForPeople(model),
    type,
    context_length: model.contextTokensMax,
    max_model_len: model.contextTokensMax,
    ...((type === "chat" || type === "completion") && { max_output_tokens: adviseOutputTokens(model) }),
    architecture: modalities,
    ...modalities,
    capabilities: {
      chat: type === "chat",
      completions: endpoints.includes("completions"),
      embeddings: endpoints.includes("embeddings"),
      rerank: endpoints.includes("rerank"),
      transcriptions: endpoints.includes("audio.transcriptions"),
      speech: endpoints.includes("audio.speech"),
      images: endpoints.includes("images.generations"),
      vision: modalities.input_modalities.includes("image"),
      tools: abilities.includes("tools"),
      structured_outputs: abilities.includes("structured_outputs"),
      reasoning: abilities.includes("reasoning"),
    },
    supported_parameters: [type, ...abilities].flatMap((kind) => obeyedMembers[kind]),
    endpoints,
    pricing: {
      prompt: formatTokenPrice(shared.promptMicrosPerMTok),
      completion: formatTokenPrice(shared.completionMicrosPerMTok),
      request: "0",
      currency,
    },
    prices: model.prices,
  };
}

/** What comes out of each kind of model. */
const outputs: Readonly<Record<ModelPurpose, z.infer<typeof OutputModality>>> = {
  chat: "text",
  completion: "text",
  embedding: "embeddings",
  rerank: "rerank",
  transcription: "text",
  speech: "audio",
  image: "image",
};

function readModalities({ mediaTokensMax }: ModelRecord, type: ModelPurpose): z.infer<typeof Modalities> {
  const usual = type === "transcription" ? "audio" : "text";
  const isTaken = (kind: z.infer<typeof InputModality>) =>
    kind === usual || (type === "chat" && kind !== "text" && mediaTokensMax?.[kind] !== undefined);
  return {
    input_modalities: InputModality.options.filter(isTaken),
    output_modalities: [outputs[type]],
  };
}
