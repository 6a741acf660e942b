import { z } from "zod";
import { logprobsMax } from "../../../limits.ts";
import { createCheckedSchema } from "../../fields.ts";
import { forwarded, orEmpty, ours, readShape, required } from "./member.ts";
import { findPromptFault, promptShown, type PromptInput } from "./prompt-input.ts";
import { harmless, modelMember, sampling, unavailable, withheld } from "./shared.ts";

/** The members of `POST /v1/completions`. */
export const completionsMembers = {
  model: modelMember,
  prompt: required(createCheckedSchema<PromptInput>(findPromptFault), "What to go on from.", promptShown),
  max_tokens: ours(
    z.int().min(0),
    "The most tokens of each answer; 16 unless set. 0 with `echo` scores the prompt alone.",
  ),
  suffix: orEmpty(forwarded(z.string(), "What follows the answer, for models that fill in the middle.")),
  echo: forwarded(z.boolean(), "Give the prompt back before the answer."),
  logprobs: forwarded(z.int().min(0).max(logprobsMax), "So many log-probabilities for each token."),
  ...sampling,
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

/** The body of `POST /v1/completions`, within its bounds. */
export const CompletionsBody = z.object(readShape(completionsMembers));
export type CompletionsBody = z.infer<typeof CompletionsBody>;
