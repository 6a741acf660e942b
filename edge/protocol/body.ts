import { numberCharsMax, restoreNumbers, scanJson, type JsonBounds, type JsonScan } from "../agreements/exact-json.ts";
import { isObject, type JsonObject } from "../agreements/json.ts";
import { Refusal } from "../errors.ts";
import {
  bodyBytesMax,
  bodyDepthMax,
  bodyFractionsMax,
  bodyItemsMaxAll,
  bodyMembersMax,
  bodyMembersMaxAll,
} from "../limits.ts";
import { readBytes } from "./bytes.ts";
import type { Sender } from "./intake.ts";

export type { Sender } from "./intake.ts";

/** A body as it was sent, and as it is read. */
export interface ReadBody {
  bytes: Uint8Array<ArrayBuffer>;
  json: unknown;
  /** The same with the digits of numbers that a double cannot keep, for writing only; null when there are none. */
  exact: JsonObject | null;
}

/**
 * Reads a request's body whole, 4 MiB at most, in time (`readBytes`). Refuses any Content-Encoding (415), more bytes
 * (413), invalid UTF-8 or JSON (400), and what would cost a parser too much (400). Of a duplicate member the last one
 * counts, as everywhere in JavaScript; calls are serialized anew for the origin, so nobody behind us can read them
 * differently.
 */
export async function readJson(request: Request, sender: Sender): Promise<ReadBody> {
  const bytes = await readBytes(request, { bytesMax: bodyBytesMax, sender });
  // A parser needs a second for a megabyte of brackets, so the bytes are looked at before.
  const scan = scanJson(bytes, bounds);
  if (scan.passed) throw new Refusal("invalid_value", { message: passed[scan.passed] });
  const { json, exact } = parseBoth(bytes, scan);
  return { bytes, json, exact };
}

const bounds: JsonBounds = {
  depth: bodyDepthMax,
  outermost: bodyMembersMax,
  members: bodyMembersMaxAll,
  items: bodyItemsMaxAll,
  fractions: bodyFractionsMax,
  digits: numberCharsMax,
};
const passed: Readonly<Record<keyof JsonBounds, string>> = {
  depth: `The body is nested deeper than ${bodyDepthMax} levels.`,
  outermost: `The body has more than ${bodyMembersMax} members.`,
  members: `The body has more than ${bodyMembersMaxAll} strings, lists, objects and members in all.`,
  items: `The body has more than ${bodyItemsMaxAll} values in all.`,
  fractions: `The body has more than ${bodyFractionsMax} numbers that are no integers of up to 15 digits.`,
  digits: `A number has more than ${numberCharsMax} characters.`,
};

function parseBoth(bytes: Uint8Array, { isInexact, otherwise }: JsonScan): Omit<ReadBody, "bytes"> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    const json: unknown = JSON.parse(text);
    const exact = isInexact ? restoreNumbers(bytes, json, otherwise) : null;
    return { json, exact: isObject(exact) ? exact : null };
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
}

/** How many bytes a body of this size leaves room for. */
export function measureRoom(bytes: Uint8Array): number {
  return bodyBytesMax - bytes.length;
}
