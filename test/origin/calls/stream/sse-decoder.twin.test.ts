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

/** Reads that end where events do, and some that only seem to. */
const reads = fc.array(
  fc.constantFrom(
    "data: x\n\n",
    "data: x\n\n",
    "data: y\n",
    "data: \n\n",
    "data:z\n\n",
    "event: a\n",
    "\n",
    ": b\n\n",
    "data: x\ndata: y\n\n",
    "data: x\rdata: y\n\n",
    "data: z\r\r",
    "\xef\xbb\xbf",
    "data: x\n\ndata: y\n\n",
    "data: x\n\r",
    "data: x\r\n\r\n",
    "data: x\n",
  ),
  { minLength: 1, maxLength: 8 },
);

test("whatever whole events a read brings, the payloads are those that eventsource-parser reads", () => {
  fc.assert(
    fc.property(reads, (texts) => {
      const decoder = new SseDecoder();
      const payloads = [...texts, ":\n"].flatMap((text) => decoder.push(text));
      expect(payloads).toEqual(decodeByOracle(`${texts.join("")}:\n`));
    }),
    { numRuns: 3_000 },
  );
});
