import type { Context } from "hono";
import { Refusal } from "../../../errors.ts";
import type { ControlEnv } from "../port.ts";

/** A thing whose version counts up with each change. */
interface Versioned {
  version: number;
}

/** Tells a thing's version in `ETag` (RFC 9110, section 8.8.3), for `If-Match` of who changes it next. */
export function showVersion<Row extends Versioned>(c: Context<ControlEnv>, row: Row): Row {
  c.header("etag", `"${row.version}"`);
  return row;
}

/** The version that a change is meant for; null where any will do. Refuses what is no version of ours. */
export function readIfMatch(c: Context<ControlEnv>): number | null {
  const given = c.req.header("if-match");
  if (given === undefined || given.trim() === "*") return null;
  const version = /^"(\d{1,15})"$/.exec(given.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw new Refusal("invalid_value", {
    param: "If-Match",
    message: 'If-Match: Give the `ETag` of the object as you read it, such as "3", or *.',
  });
}

/** Refuses with 412 what somebody else has changed since it was read. */
export function refuseUnlessVersion({ version }: Versioned, expected: number | null): void {
  if (expected !== null && version !== expected) throw new Refusal("precondition_failed");
}
