import { z } from "zod";
import {
  badWordBytesMax,
  badWordsMax,
  choicesMax,
  idListMax,
  logitBiasMax,
  promptLogprobsMax,
  stopBytesMax,
  stopMax,
  unstreamedTokensMax,
} from "../../../limits.ts";
import { createCheckedSchema } from "../../fields.ts";
import { checkBias, checkList, checkText, checkTexts, checkTokenIds } from "./checks.ts";
import { accepted, forwarded, isUnsent, orEmpty, ours, refused, required, type Member } from "./member.ts";
import { responseFormat, structuredOutputs } from "./structure/answer-form.ts";

const tokenIds = (why: string, max = idListMax) =>
  forwarded(createCheckedSchema<number[]>(checkTokenIds(max)), why, z.array(z.int().min(0)).max(max));
const model = z.string().min(1).max(256);

/** The model, as every endpoint but `/text2sql` must name it. */
export const modelMember = required(model, "A model's id or an alias, as `/v1/models` lists them.");
/** The model, where there is one for the purpose. */
export const modelOrOurs = forwarded(model, "A model's id or an alias; the first that serves this if there is none.");

/** What every endpoint takes in and none forwards: it changes no answer. */
export const harmless = {
  user: accepted("Your own name for who asks; not forwarded."),
  safety_identifier: accepted("The same under its newer name; not forwarded."),
  metadata: accepted("Your own notes; not stored."),
  store: accepted("Nothing is ever stored."),
  service_tier: accepted("The tier follows from the call: see `x-penstock-tier`."),
  prompt_cache_key: ours(z.unknown(), "Calls with the same key go to the same node while it has room."),
  prompt_cache_retention: accepted("The engine's cache keeps what it has room for."),
} as const;

const steers = "It steers the engine for everybody, so it is set by us.";
/** Members that steer an engine's scheduler and caches or reach into its process: set by us, or by nobody. */
export const withheld = {
  priority: accepted(steers),
  cache_salt: accepted(steers),
  request_id: accepted(steers),
  session_id: accepted(steers),
  kv_transfer_params: accepted(steers),
  ec_transfer_params: accepted(steers),
  vllm_xargs: accepted(steers),
  mm_processor_kwargs: accepted(steers),
  media_io_kwargs: accepted(steers),
  mm_payload: accepted(steers),
  routed_experts_prompt_start: accepted(steers),
  stream_interval: accepted("Each token is sent as it is made."),
} as const;

const isFalse = (value: unknown) => isUnsent(value);
const noIds = "use 'logprobs'";
/** Members that would change the answer, and that no engine of ours obeys or may obey. */
export const unavailable = {
  prediction: refused("every token is generated anew"),
  use_beam_search: refused("use 'n' and 'temperature'", isFalse),
  best_of: refused("use 'n'", (value, { n }) => isUnsent(value) || value === (n ?? 1)),
  logits_processors: refused("use 'logit_bias' or 'structured_outputs'"),
  prompt_embeds: refused("send the prompt as text or token ids"),
  return_token_ids: refused(noIds),
  return_token_offsets: refused(noIds),
  return_prompt_text: refused("the model's template is not shown"),
  return_mm_kwargs: refused("what an engine makes of media is not shown"),
  repetition_detection: refused("use 'repetition_penalty' or 'stop'"),
  extra_body: refused("put its members into the body itself"),
  max_output_tokens: refused("use 'max_completion_tokens'"),
  max_new_tokens: refused("use 'max_tokens'"),
  max_tokens_to_sample: refused("use 'max_tokens'"),
  num_predict: refused("use 'max_tokens'"),
  n_predict: refused("use 'max_tokens'"),
  stop_sequences: refused("use 'stop'"),
  format: refused("use 'response_format'"),
  json_schema: refused("use 'response_format'"),
  grammar: refused("use 'structured_outputs'"),
  options: refused("put its members into the body itself"),
} as const satisfies Record<string, Member>;

/** What a caller may say of a stream. */
export const streamOptions = z.object({
  include_usage: z.boolean().nullish(),
  continuous_usage_stats: z.boolean().nullish(),
});

const noCut = "shorten the prompt yourself";

/** How tokens are chosen and where an answer ends, in chats and completions. Ranges are OpenAI's and vLLM's. */
export const sampling = {
  n: forwarded(z.int().min(1).max(choicesMax), "How many answers to each prompt."),
  stream: ours(z.boolean(), "Send the answer as it is made."),
  stream_options: orEmpty(ours(streamOptions, "Usage at the end of the stream, or on every chunk.")),
  temperature: forwarded(z.number().min(0).max(2), "How freely tokens are chosen; 0 always takes the likeliest."),
  top_p: forwarded(z.number().gt(0).max(1), "Only the likeliest tokens that make up this share."),
  top_k: forwarded(z.int().min(-1), "Only so many of the likeliest tokens; -1 for all."),
  min_p: forwarded(z.number().min(0).max(1), "Only tokens at least this likely, against the likeliest."),
  repetition_penalty: forwarded(z.number().gt(0).max(10), "Above 1: what was there already is less likely."),
  presence_penalty: forwarded(z.number().min(-2).max(2), "Above 0: what was made already is less likely."),
  frequency_penalty: forwarded(z.number().min(-2).max(2), "Above 0: the more often it was made, the less likely."),
  seed: forwarded(z.int(), "The same seed and body give the same answer, as far as the engine can."),
  stop: orEmpty(
    forwarded(
      createCheckedSchema<string | string[]>(checkTexts(stopMax, stopBytesMax)),
      `Where an answer ends: at most ${stopMax} of at most ${stopBytesMax} bytes.`,
      z.union([z.string().min(1), z.array(z.string().min(1)).max(stopMax)]),
    ),
  ),
  stop_token_ids: orEmpty(tokenIds("Tokens at which an answer ends.")),
  include_stop_str_in_output: forwarded(z.boolean(), "Keep the stop string at the end of the answer."),
  ignore_eos: forwarded(z.boolean(), "Go on to `max_tokens` even where the model would end."),
  min_tokens: forwarded(z.int().min(0), "No end before so many tokens."),
  bad_words: orEmpty(
    forwarded(
      createCheckedSchema<string[]>(checkList(checkText(badWordBytesMax, 1), badWordsMax)),
      `Words that are not made: at most ${badWordsMax} of at most ${badWordBytesMax} bytes.`,
      z.array(z.string().min(1)).max(badWordsMax),
    ),
  ),
  logit_bias: orEmpty(
    forwarded(
      createCheckedSchema<Record<string, number>>(checkBias(logitBiasMax)),
      `A token's id to its bias; at most ${logitBiasMax} of them.`,
      z.record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100)),
    ),
  ),
  allowed_token_ids: orEmpty(tokenIds("Only these tokens are made.")),
  logprob_token_ids: tokenIds("Tokens whose log-probabilities are given whatever their rank.", 20),
  prompt_logprobs: forwarded(
    z.int().min(0).max(promptLogprobsMax),
    `So many log-probabilities for each token of the prompt; all answers together have ${unstreamedTokensMax} tokens.`,
  ),
  skip_special_tokens: forwarded(z.boolean(), "Leave the model's marks out of the text; true unless set."),
  spaces_between_special_tokens: forwarded(z.boolean(), "Blanks between the model's marks."),
  add_special_tokens: forwarded(z.boolean(), "The tokenizer's marks around the prompt."),
  return_tokens_as_token_ids: forwarded(z.boolean(), "Name tokens by their ids in `logprobs`."),
  thinking_token_budget: forwarded(z.int().min(-1), "The most tokens of reasoning."),
  watermarking: forwarded(z.boolean(), "The engine's watermark, where it has one."),
  length_penalty: accepted("It is of beam search, which there is not."),
  early_stopping: accepted("It is of beam search, which there is not."),
  truncate_prompt_tokens: refused(noCut, (value) => isUnsent(value) || value === -1),
  truncation_side: accepted("It belongs to `truncate_prompt_tokens`."),
  response_format: responseFormat,
  structured_outputs: structuredOutputs,
} as const;
