import { z } from "zod";
import { isObject } from "../../agreements/json.ts";
import { inputsMax } from "../../limits.ts";
import { createCheckedSchema } from "../fields.ts";
import { checkList, type Check } from "../openai/members/checks.ts";
import { accepted, forwarded, readShape, refused, required } from "../openai/members/member.ts";
import { harmless, modelMember, unavailable, withheld } from "../openai/members/shared.ts";

/** A document as callers send it: its text, or an object that has it (Cohere's and Jina's form). */
export type Document = string | { text: string };

const checkFilled: Check = (value) => {
  if (typeof value !== "string") return { path: [], message: "must be a string" };
  return value === "" ? { path: [], message: "must not be empty" } : null;
};
const checkDocument: Check = (value) => {
  if (!isObject(value)) return checkFilled(value);
  const fault = checkFilled(value["text"]);
  return fault && { ...fault, path: ["text"] };
};
const checkDocuments = checkList(checkDocument, inputsMax, 1);
const checkTexts = checkList(checkFilled, inputsMax, 1);
const text = createCheckedSchema<string>(checkFilled);
const texts = createCheckedSchema<string | string[]>((value) =>
  Array.isArray(value) ? checkTexts(value) : checkFilled(value),
);
const shownTexts = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(inputsMax)]);

const cut = "use 'truncate_prompt_tokens'";
const ofRanking = {
  truncate_prompt_tokens: forwarded(z.int().min(-1), "Cut each pair to so many tokens; -1 to the model's context."),
  use_activation: forwarded(z.boolean(), "Make scores shares of 1, where the model's own default is other."),
  stream: accepted("Scores come in one piece."),
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

/** The members of `POST /v1/rerank`, in the form of Cohere, Jina and vLLM. */
export const rerankMembers = {
  model: modelMember,
  query: required(text, "What the documents are to answer.", z.string().min(1)),
  documents: required(
    createCheckedSchema<Document[]>(checkDocuments),
    `What is ranked: at most ${inputsMax} texts.`,
    z
      .array(z.union([z.string().min(1), z.looseObject({ text: z.string().min(1) })]))
      .min(1)
      .max(inputsMax),
  ),
  top_n: forwarded(z.int().min(0), "Only so many of the best; 0 for all."),
  return_documents: accepted("Results have their documents where the engine has them so."),
  max_chunks_per_doc: refused(cut),
  max_tokens_per_doc: refused(cut),
  rank_fields: refused("send each document as its text"),
  ...ofRanking,
} as const;

/** The members of `POST /v1/score`, in vLLM's form. */
export const scoreMembers = {
  model: modelMember,
  text_1: required(texts, "One text, or as many as `text_2` has.", shownTexts),
  text_2: required(texts, `What is scored against it: at most ${inputsMax} texts.`, shownTexts),
  ...ofRanking,
} as const;

/** The body of `POST /v1/rerank`, within its bounds. */
export const RerankBody = z.object(readShape(rerankMembers));
export type RerankBody = z.infer<typeof RerankBody>;

/** The body of `POST /v1/score`, within its bounds. */
export const ScoreBody = z.object(readShape(scoreMembers));
export type ScoreBody = z.infer<typeof ScoreBody>;
