import type { Option } from "./flags.ts";

/** The API's fields by the flags that set them, where their names differ. */
const flagsByField: Record<string, string> = {
  endpoints: "endpoint",
  models: "model",
  ipCidrs: "cidr",
  limits: "limit",
  expiresAt: "expires",
  overlapSeconds: "overlap",
  isSuspended: "suspend",
  key: "key-id",
  limit: "rows",
};

/**
 * The flag that a field was given with, and its value in a list: `models[1]` is `--model nope`, `limits.WINDOW`
 * is `--limit WINDOW`. A field that the command has no flag for is one of its words.
 */
export function nameFlag(param: string, options: Record<string, Option>, sent: Record<string, unknown>): string {
  const [, field = "", at, rest] = /^([A-Za-z]+)(?:\[(\d+)\])?(?:\.(.+))?$/.exec(param) ?? [];
  const flag = flagsByField[field] ?? field;
  if (!(flag in options)) return flag.toUpperCase() || param;
  const list = sent[field];
  const item: unknown = Array.isArray(list) && at !== undefined ? list[Number(at)] : rest;
  return typeof item === "string" ? `--${flag} ${item}` : `--${flag}`;
}
