import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventTooLarge, SseDecoder } from "#origin/calls/stream/sse-decoder.ts";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");
const utf8 = (payload: string) => Buffer.from(payload, "latin1").toString("utf8");

describe("SSE framing", () => {
  test("any payloads come out as they went in, whatever the line ends and wherever the bytes are split", () => {
    const payload = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text));
    fc.assert(
      fc.property(
        fc.array(payload, { maxLength: 8 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        fc.boolean(),
        (payloads, eol, sizes, hasComments) => {
          const text = payloads
            .map((data) => `${hasComments ? `: c${eol}${eol}id: 3${eol}` : ""}data: ${data}${eol}${eol}`)
            .join("");
          const bytes = latin1(text);
          const frames = new SseDecoder();
          const out: string[] = [];
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value ?? 1;
            out.push(...frames.push(bytes.slice(at, at + size)));
            at += size;
          }
          if (eol === "\r") out.push(...frames.push("\n"));
          expect(out.map(utf8)).toEqual(payloads);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("an event without its blank line is not one yet", () => {
    const frames = new SseDecoder();
    expect(frames.push("data: [DONE]\n")).toEqual([]);
    expect(frames.finish()).toBe("[DONE]\n".trim());
  });

  test("data over several lines is joined, empty data is an empty payload, other fields are none", () => {
    const frames = new SseDecoder();
    expect(frames.push("data: a\ndata: b\n\ndata:\n\nretry: 5\n\n: c\n\n")).toEqual(["a\nb", ""]);
  });

  test("an event that never ends is refused before it fills the memory", () => {
    const frames = new SseDecoder();
    const mega = "x".repeat(1024 * 1024);
    expect(() => {
      for (let at = 0; at < 10; at++) frames.push(mega);
    }).toThrow(EventTooLarge);
  });
});
