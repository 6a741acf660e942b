import { createParser } from "eventsource-parser";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SseDecoder } from "#origin/calls/stream/sse-decoder.ts";

/** What eventsource-parser reads, which many clients use: the oracle. It, too, takes bytes as Latin-1. */
function decodeByOracle(bytes: string): string[] {
  const payloads: string[] = [];
  createParser({ onEvent: ({ data }) => void payloads.push(data) }).feed(bytes);
  return payloads;
}

function decodeInPieces(bytes: string, sizes: number[]): string[] {
  const decoder = new SseDecoder();
  const payloads: string[] = [];
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1;
    payloads.push(...decoder.push(bytes.slice(at, at + size)));
    at += size;
  }
  return payloads;
}

const fieldLine = fc
  .tuple(
    fc.constantFrom("data", "data", "data", "event", "id", "retry", "foo", " data", "Data", ""),
    fc.constantFrom(":", ": ", ":  ", ""),
    fc.constantFrom("", "x", "é🌍", "[DONE]", '{"a":1}', ":", "data: y", "\t", "7"),
  )
  .map((parts) => parts.join(""));
const line = fc.oneof({ weight: 3, arbitrary: fieldLine }, { weight: 2, arbitrary: fc.constant("") });
const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
/** The comment at the end shows both decoders what a last CR was. */
const stream = fc
  .tuple(fc.constantFrom("", "\ufeff"), fc.array(fc.tuple(line, lineEnd), { maxLength: 30 }))
  .map(([mark, lines]) => Buffer.from(`${mark}${lines.flat().join("")}:\n`).toString("latin1"));

test("whatever the fields, line ends and splits, the payloads are those that eventsource-parser reads", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }), (bytes, sizes) => {
      expect(decodeInPieces(bytes, sizes)).toEqual(decodeByOracle(bytes));
    }),
    { numRuns: 500 },
  );
});
