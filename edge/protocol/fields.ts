import { z } from "zod";
import { Refusal } from "../errors.ts";
import { schemaBytesMax } from "../limits.ts";
import { unknownField, writeIssue } from "./issues.ts";

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
    if (fault) context.addIssue({ code: "custom", ...fault, message: sayMissing(value, fault) });
  });
}

/** What has to be of a type, and is not there, is told as missing, as zod tells it. */
function sayMissing(value: unknown, { path, message }: FieldFault): string {
  const found = path.reduce<unknown>(
    (holder, step) => (typeof holder === "object" && holder !== null ? Reflect.get(holder, step) : undefined),
    value,
  );
  return found === undefined && message.startsWith("must be ") ? "is required" : message;
}

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

/**
 * Parses a body or refuses it with the path of the first field at fault (`messages[0].role`); `name` is that of the
 * member that is parsed, where it is not the body.
 */
export function parseBody<T>(schema: z.ZodType<T>, json: unknown, name: string | null = null): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (name === null) throw createFieldRefusal(parsed.error);
  const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] }));
  throw createFieldRefusal(new z.ZodError(issues));
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
