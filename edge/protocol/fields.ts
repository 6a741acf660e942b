import { z } from "zod";
import { Refusal } from "../errors.ts";
import { choicesMax, logitBiasMax, schemaBytesMax, stopMax } from "../limits.ts";
import { unknownField, writeIssue } from "./issues.ts";

const tooBig = { message: `must have at most ${schemaBytesMax} bytes` };

/** Tells whether a schema that callers send for an answer is small enough to be compiled. */
export function isSmall(schema: unknown): boolean {
  return countUtf8Bytes(JSON.stringify(schema)) <= schemaBytesMax;
}

/** What is wrong with a value, and the path to it. */
export interface FieldFault {
  path: PropertyKey[];
  message: string;
}

/**
 * A schema for a value that `findFault` checks by hand, up to the first fault. For what callers may send a million of:
 * zod would check all of them and report each, which costs seconds and hundreds of megabytes.
 */
export function createCheckedSchema<T>(findFault: (value: unknown) => FieldFault | null): z.ZodType<T> {
  return z.custom<T>().superRefine((value, context) => {
    const fault = findFault(value);
    if (fault) context.addIssue({ code: "custom", ...fault });
  });
}

/** A schema for a list of `min` (0 or 1) to `max` items, which are checked one by one, up to the first that is wrong. */
export function createListSchema<T>(item: z.ZodType<T>, max: number, min: 0 | 1 = 0): z.ZodType<T[]> {
  return createCheckedSchema<T[]>((value) => {
    if (!Array.isArray(value)) return { path: [], message: "must be a list" };
    if (value.length < min) return { path: [], message: "must not be empty" };
    if (value.length > max) return { path: [], message: `must have at most ${max} items` };
    for (const [index, member] of value.entries()) {
      const parsed = item.safeParse(member);
      const issue = parsed.success ? null : findDeepest(parsed.error.issues[0]);
      if (!parsed.success)
        return { path: [index, ...(issue?.path ?? [])], message: issue?.message ?? "must have another form" };
    }
    return null;
  });
}

/** Engines refuse an empty stop string: it would end every answer before it began. */
function findStopFault(value: unknown): FieldFault | null {
  if (typeof value === "string") return null;
  if (!Array.isArray(value)) return { path: [], message: "must be a string or a list" };
  if (value.length > stopMax) return { path: [], message: `must have at most ${stopMax} items` };
  const at = value.findIndex((item) => typeof item !== "string" || item === "");
  if (at === -1) return null;
  return { path: [at], message: value[at] === "" ? "must not be empty" : "must be a string" };
}

function findBiasFault(value: unknown): FieldFault | null {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { path: [], message: "must be an object" };
  const entries = Object.entries(value);
  if (entries.length > logitBiasMax) return { path: [], message: `must have at most ${logitBiasMax} entries` };
  const wrong = entries.find(
    ([id, bias]) => !/^\d{1,9}$/.test(id) || typeof bias !== "number" || !(Math.abs(bias) <= 100),
  );
  return wrong ? { path: [wrong[0]], message: "must map a token id to a number from -100 to 100" } : null;
}

/**
 * Sampling fields that chat and completions share. Bodies are loose: a field not named here passes to the engine
 * unchanged, so new engine fields need no release of ours. Ranges are OpenAI's and vLLM's; null means 'not given', as
 * official SDKs send it.
 */
export const sampling = {
  model: z.string().min(1).max(256),
  n: z.int().min(1).max(choicesMax).nullish(),
  max_tokens: z.int().min(1).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().gt(0).max(10).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: createCheckedSchema<string | string[]>(findStopFault).nullish(),
  logit_bias: createCheckedSchema<Record<string, number>>(findBiasFault).nullish(),
  response_format: z
    .looseObject({ type: z.enum(["text", "json_object", "json_schema", "structural_tag"]) })
    .refine(isSmall, tooBig)
    .nullish(),
  structured_outputs: z.looseObject({}).refine(isSmall, tooBig).nullish(),
  user: z.string().max(512).nullish(),
} as const;

/** Counts UTF-8 bytes without encoding: a surrogate pair takes four, a lone surrogate the three of U+FFFD. */
export function countUtf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && text.charCodeAt(i + 1) >= 0xdc00 && text.charCodeAt(i + 1) < 0xe000) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/** Parses a body or refuses it with the path of the first field at fault (`messages[0].role`). */
export function parseBody<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw createFieldRefusal(parsed.error);
}

/** Turns a zod error into a refusal: its first issue, or the deepest one where a union failed. */
export function createFieldRefusal(error: z.ZodError): Refusal {
  const issue = findDeepest(error.issues[0]);
  const param = issue ? writePath(issue.path) : "";
  const message = writeIssue(param, issue?.message ?? "must have another form");
  return new Refusal("invalid_value", { param: param || undefined, message });
}

interface Issue {
  path: PropertyKey[];
  message: string;
  code?: string | undefined;
  errors?: unknown;
  keys?: unknown;
}

/** A union reports one list of issues per branch; the branch that got furthest explains most. */
function findDeepest(issue: Issue | undefined): Issue | undefined {
  if (issue?.code === "unrecognized_keys" && Array.isArray(issue.keys))
    return { ...issue, path: [...issue.path, ...issue.keys.slice(0, 1)], message: unknownField };
  if (!issue || issue.code !== "invalid_union" || !Array.isArray(issue.errors)) return issue;
  const branches: Issue[] = issue.errors.flat();
  const best = branches.filter((inner) => inner.path.length > 0).toSorted((a, b) => b.path.length - a.path.length)[0];
  return best ? { ...best, path: [...issue.path, ...best.path] } : issue;
}

/** Names in a path may be the caller's own, of any length and content, so they are cleaned before they are repeated. */
function writePath(path: PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    const name = String(step)
      .replace(/[^\w-]/g, "?")
      .slice(0, 64);
    return text ? `${text}.${name}` : name;
  }, "");
}
