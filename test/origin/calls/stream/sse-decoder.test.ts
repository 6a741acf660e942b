import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventTooLarge, SseDecoder } from "#origin/calls/stream/sse-decoder.ts";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");
const utf8 = (payload: string) => Buffer.from(payload, "latin1").toString("utf8");

const decode = (text: string, size = Infinity) => {
  const decoder = new SseDecoder();
  const bytes = latin1(text);
  const payloads: string[] = [];
  for (let at = 0; at < bytes.length; at += size) payloads.push(...decoder.push(bytes.slice(at, at + size)));
  return payloads.map(utf8);
};

/** The examples of WHATWG HTML §9.2.6, and what its text says of the fields beside them. */
describe("the cases of the standard, read whole and byte by byte", () => {
  test.each<[string, string, string[]]>([
    ["one line of data", "data: This is the first message.\n\n", ["This is the first message."]],
    ["several lines of data are joined", "data: second,\ndata: it has two lines.\n\n", ["second,\nit has two lines."]],
    ["stock ticks", "data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]],
    [
      "a comment, ids, and one space taken off each value",
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
      ["first event", "second event", " third event"],
    ],
    ["empty data twice, a line feed between, and an end without blank line", "data\n\ndata\ndata\n\ndata:", ["", "\n"]],
    ["with and without the space", "data:test\n\ndata: test\n\n", ["test", "test"]],
    ["event types", "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n", ["73857293", "2153"]],
    ["fields in any order", "data: a\nevent: x\nretry: 10000\ndata: b\nid: 7\n\n", ["a\nb"]],
    ["no data field, no event", "event: x\nid: 3\n\nretry: 5\n\n: c\n\n", []],
    ["unknown and look-alike fields", "foo: 1\ndatax: 2\n data: 3\nDATA: 4\ndata : 5\n\n", []],
    ["more blank lines than needed", "\n\n\ndata: a\n\n\n\ndata: b\n\n", ["a", "b"]],
    ["lines that end in CR", "data: a\rdata: b\r\rdata: c\r\r", ["a\nb", "c"]],
    ["lines that end in CRLF", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", ["a\nb", "c"]],
    ["line ends of all three kinds in one event", "data: a\r\ndata: b\rdata: c\n\r", ["a\nb\nc"]],
    ["a byte order mark", "\ufeffdata: a\n\n", ["a"]],
    ["a second byte order mark, which is part of a field's name", "\ufeff\ufeffdata: a\n\ndata: b\n\n", ["b"]],
    ["a byte order mark inside", "data: a\n\ndata: \ufeffb\n\n", ["a", "\ufeffb"]],
    ["colons in the value", "data: a: b:c\n\ndata::\n\n", ["a: b:c", ":"]],
    ["an end in the middle of an event, which is none", "data: a\n\ndata: b\n", ["a"]],
  ])("%s", (_, text, payloads) => {
    for (const size of [Infinity, 1, 2, 3]) expect(decode(text, size)).toEqual(payloads);
  });
});

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
          const decoder = new SseDecoder();
          const out: string[] = [];
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value ?? 1;
            out.push(...decoder.push(bytes.slice(at, at + size)));
            at += size;
          }
          if (eol === "\r") out.push(...decoder.push("\n"));
          expect(out.map(utf8)).toEqual(payloads);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("an event without its blank line is not one yet", () => {
    const decoder = new SseDecoder();
    expect(decoder.push("data: [DONE]\n")).toEqual([]);
    expect(decoder.finish()).toBe("[DONE]\n".trim());
  });

  test("data over several lines is joined, empty data is an empty payload, other fields are none", () => {
    const decoder = new SseDecoder();
    expect(decoder.push("data: a\ndata: b\n\ndata:\n\nretry: 5\n\n: c\n\n")).toEqual(["a\nb", ""]);
  });

  test("an event that never ends is refused before it fills the memory", () => {
    const decoder = new SseDecoder();
    const mega = "x".repeat(1024 * 1024);
    expect(() => {
      for (let at = 0; at < 10; at++) decoder.push(mega);
    }).toThrow(EventTooLarge);
  });
});
