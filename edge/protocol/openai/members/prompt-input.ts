import { z } from "zod";
import { inputsMax, promptIdsMax } from "../../../limits.ts";
import type { FieldFault } from "../../fields.ts";
import { isTokenId } from "./checks.ts";

/** A prompt or input: text, texts, token ids, or lists of token ids. */
export type PromptInput = string | string[] | number[] | number[][];

const empty = "must not be empty";

/** The first item decides what type the rest must have. No prompt may be empty: an engine never answers one. */
export function findPromptFault(value: unknown): FieldFault | null {
  if (typeof value === "string") return value === "" ? { path: [], message: empty } : null;
  if (value === undefined) return { path: [], message: "is required" };
  if (!Array.isArray(value)) return { path: [], message: "must be a string or a list" };
  if (value.length === 0) return { path: [], message: empty };
  const first: unknown = value[0];
  if (typeof first === "number") return findIdsFault(value);
  if (value.length > inputsMax) return { path: [], message: `must have at most ${inputsMax} items` };
  const find = typeof first === "string" ? findTextFault : findIdsFault;
  for (const [index, item] of value.entries()) {
    const fault = find(item);
    if (fault) return { ...fault, path: [index, ...fault.path] };
  }
  return null;
}

function findTextFault(text: unknown): FieldFault | null {
  if (typeof text !== "string") return { path: [], message: "must be a string, as the first item is" };
  return text === "" ? { path: [], message: empty } : null;
}

function findIdsFault(ids: unknown): FieldFault | null {
  if (!Array.isArray(ids)) return { path: [], message: "must be a string or a list of token ids" };
  if (ids.length === 0) return { path: [], message: empty };
  if (ids.length > promptIdsMax) return { path: [], message: `must have at most ${promptIdsMax} token ids` };
  const at = ids.findIndex((id) => !isTokenId(id));
  return at === -1 ? null : { path: [at], message: "must be a token id" };
}

const tokenIds = z.array(z.int().min(0)).max(promptIdsMax);

/** The same as the API's document tells it. */
export const promptShown = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1).max(inputsMax),
  tokenIds.min(1),
  z.array(tokenIds.min(1)).min(1).max(inputsMax),
]);
