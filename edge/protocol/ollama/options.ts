import { z } from "zod";
import type { JsonObject } from "../../agreements/json.ts";
import { accepted, forwarded, isUnsent, readShape, refused, type Member } from "../openai/members/member.ts";
import { sampling } from "../openai/members/shared.ts";

const runner = "It sets a runner of Ollama's up; engines here are set up by us.";
const allOfIt = "Penalties count the whole text.";
const isOff = (off: number) => (value: unknown) => isUnsent(value) || value === off;

/**
 * The members of `options` (Ollama's `api/types.go`, `Options` and `Runner`, and what older clients still send). Ranges
 * are those of the members that they become.
 */
export const optionMembers = {
  temperature: sampling.temperature,
  top_p: sampling.top_p,
  top_k: sampling.top_k,
  min_p: sampling.min_p,
  seed: forwarded(z.int(), "The same seed and body give the same answer, as far as the engine can; -1 is none."),
  stop: sampling.stop,
  num_predict: forwarded(z.int().min(-2), "The most tokens of an answer; the model's default if it is 0 or less."),
  repeat_penalty: sampling.repetition_penalty,
  presence_penalty: sampling.presence_penalty,
  frequency_penalty: sampling.frequency_penalty,
  num_ctx: accepted(runner),
  num_keep: accepted(runner),
  num_batch: accepted(runner),
  num_gpu: accepted(runner),
  main_gpu: accepted(runner),
  num_thread: accepted(runner),
  draft_num_predict: accepted(runner),
  numa: accepted(runner),
  low_vram: accepted(runner),
  f16_kv: accepted(runner),
  logits_all: accepted(runner),
  vocab_only: accepted(runner),
  use_mmap: accepted(runner),
  use_mlock: accepted(runner),
  embedding_only: accepted(runner),
  repeat_last_n: accepted(allOfIt),
  penalize_newline: accepted(allOfIt),
  typical_p: refused("use 'top_p' or 'min_p'", isOff(1)),
  tfs_z: refused("use 'top_p' or 'min_p'", isOff(1)),
  mirostat: refused("use 'top_p' or 'min_p'", isOff(0)),
  mirostat_eta: accepted("It belongs to `mirostat`."),
  mirostat_tau: accepted("It belongs to `mirostat`."),
} as const;

/** `options`, within their bounds. */
export const OptionsBody = z.object(readShape(optionMembers));
export type OptionsBody = z.infer<typeof OptionsBody>;

const intoOptions = Object.entries<Member>(optionMembers)
  .filter(([, { fate }]) => fate === "forwarded")
  .map(([name]): [string, Member] => [name, refused("put it into 'options'")]);
const answerForm = refused("use 'format'");
const answerLength = refused("use 'num_predict' in 'options'");

/**
 * What would change an answer of OpenAI's API, and that Ollama itself leaves out without a word when it stands in the
 * body: whoever sends it means it.
 */
export const misplacedOptions: Readonly<Record<string, Member>> = {
  ...Object.fromEntries(intoOptions),
  max_tokens: answerLength,
  max_completion_tokens: answerLength,
  response_format: answerForm,
  structured_outputs: answerForm,
  reasoning_effort: refused("use 'think'"),
  tool_choice: refused("the model chooses", (value) => isUnsent(value) || value === "auto"),
  n: refused("ask once for each answer", isOff(1)),
};

/** The members of a chat that the options become; one that says nothing is left out. */
export function translateOptions({ num_predict, repeat_penalty, seed, ...same }: OptionsBody): JsonObject {
  return {
    ...same,
    ...(seed !== undefined && seed !== -1 && { seed }),
    ...(num_predict !== undefined && num_predict > 0 && { max_tokens: num_predict }),
    ...(repeat_penalty !== undefined && { repetition_penalty: repeat_penalty }),
  };
}

/** What each member of a chat is called here. */
export const optionNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(intoOptions.map(([name]) => [name, `options.${name}`])),
  max_tokens: "options.num_predict",
  max_completion_tokens: "options.num_predict",
  repetition_penalty: "options.repeat_penalty",
};
