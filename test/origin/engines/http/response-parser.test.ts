import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ResponseParser, ResponseParseError } from "#origin/engines/http/response-parser.ts";

/** What the parser reports of an answer, with the reads split as `sizes` says. */
function read(text: string, sizes: Iterator<number> = [][Symbol.iterator]()) {
  const parsed = { status: 0, fields: {} as Record<string, string>, body: "", heads: 0, ends: 0 };
  const reader = new ResponseParser({
    head: ({ status, fields }) =>
      Object.assign(parsed, { status, fields: Object.fromEntries(fields), heads: parsed.heads + 1 }),
    body: (piece) => {
      expect([parsed.heads, parsed.ends, piece === ""]).toEqual([1, 0, false]);
      parsed.body += piece;
    },
    end: () => parsed.ends++,
  });
  for (let at = 0; at < text.length;) {
    const size: number = sizes.next().value ?? text.length;
    reader.push(text.slice(at, at + size));
    at += size;
  }
  return { ...parsed, reader };
}

const chunked = (pieces: string[], extension = "", trailer = "") =>
  pieces.map((piece) => `${piece.length.toString(16)}${extension}\r\n${piece}\r\n`).join("") + `0\r\n${trailer}\r\n`;
const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});
const someText = anyText.filter((text) => text !== "");
const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 12 }));

describe("an answer, wherever its bytes were split", () => {
  test("in chunks is its chunks in order, extensions and trailers aside, and the connection may be used again", () => {
    fc.assert(
      fc.property(
        fc.array(someText, { maxLength: 6 }),
        fc.constantFrom("", ";x=1", ';x="a b"'),
        fc.constantFrom("", "x-sum: 1\r\n", "a: b\r\nc: d\r\n"),
        sizes,
        (pieces, extension, trailer, splits) => {
          const { status, body, ends, reader } = read(
            `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n${chunked(pieces, extension, trailer)}`,
            splits,
          );
          expect([status, body, ends, reader.isReusable]).toEqual([200, pieces.join(""), 1, true]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    "2\r\nokay\r\n",
    "2\r\nokxx",
    "3\r\nok\r\n\r\n",
    "g\r\nok\r\n",
    "2 \r\nok\r\n",
    "\r\nok\r\n",
    "2\nxok\r\n",
    "2\r\nok\r\r\n",
  ])("a read that is almost one whole chunk (%j) is refused like the same bytes one by one", (bytes) => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const text = `${head}${bytes}0\r\n\r\n`;
    const splits = (size: number) => [head.length, ...Array.from(text, () => size)][Symbol.iterator]();
    for (const size of [bytes.length, 1]) expect(() => read(text, splits(size))).toThrow(ResponseParseError);
  });

  test.each([1, 15, 16, 4_095, 70_000, 0x1000000])("a read of one whole chunk of %i bytes is its bytes", (length) => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const piece = "x".repeat(length);
    const bytes = `${length.toString(16)}\r\n${piece}\r\n`;
    const { body, ends } = read(`${head}${bytes}0\r\n\r\n`, [head.length, bytes.length, 5][Symbol.iterator]());
    expect([body === piece, ends]).toEqual([true, 1]);
  });

  test("with a length is so many bytes", () => {
    fc.assert(
      fc.property(anyText, sizes, (text, splits) => {
        const { body, ends, reader } = read(
          `HTTP/1.1 404 Not Found\r\ncontent-length:${text.length}\r\n\r\n${text}`,
          splits,
        );
        expect([body, ends, reader.isReusable]).toEqual([text, 1, true]);
      }),
    );
  });

  test("with neither lasts until the connection is closed, which is then its end", () => {
    fc.assert(
      fc.property(anyText, sizes, (text, splits) => {
        const { body, ends, reader } = read(`HTTP/1.1 200 OK\r\n\r\n${text}`, splits);
        expect([body, ends]).toEqual([text, 0]);
        expect([reader.finish(), reader.hasEnded, reader.isReusable]).toEqual([true, true, false]);
      }),
    );
  });
});

describe("an answer", () => {
  test("has a status and fields, names in lower case, repeated ones joined; interim answers are not it", () => {
    const { status, fields, heads } = read(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" +
        "HTTP/1.1 429 \r\nRetry-After:  7 \r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n",
    );
    expect([status, heads, fields]).toEqual([429, 1, { "retry-after": "7", "x-a": "1, 2", "content-length": "0" }]);
  });

  test("keeps a field's own characters, spaces and tabs around it aside", () => {
    const { fields } = read("HTTP/1.1 204 No Content\r\na:\xa0b \t c\xa0\t \r\nb: \t\r\n\r\n");
    expect(fields).toEqual({ a: "\xa0b \t c\xa0", b: "" });
  });

  test.each(["204 No Content", "304 Not Modified"])("%s has no body", (status) => {
    const { ends, reader } = read(`HTTP/1.1 ${status}\r\n\r\n`);
    expect([ends, reader.isReusable]).toEqual([1, true]);
  });

  test.each(["content-length: 2", "transfer-encoding: chunked"])(
    "of 204 with %s is the last on its connection",
    (line) => {
      const { body, ends, reader } = read(`HTTP/1.1 204 No Content\r\n${line}\r\n\r\n`);
      expect([body, ends, reader.isReusable]).toEqual(["", 1, false]);
    },
  );

  test.each([
    ["asks to close", "HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\ncontent-length: 2\r\n\r\nok"],
    ["is of HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"],
    ["has something behind it", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"],
  ])("that %s is the last on its connection", (_, text) => {
    const { body, ends, reader } = read(text);
    expect([body, ends, reader.isReusable]).toEqual(["ok", 1, false]);
  });

  test.each([
    ["no HTTP", "SSH-2.0-x\r\n\r\n"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n"],
    ["no status", "HTTP/1.1 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a field without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
    ["a folded field", "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok"],
    ["a bare line feed in a field", "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"],
    [
      "a length and chunks",
      `HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n${chunked(["ok"])}`,
    ],
    ["a no-break space behind its length", "HTTP/1.1 200 OK\r\ncontent-length: 2\xa0\r\n\r\nok"],
    ["a control character in a field", "HTTP/1.1 200 OK\r\na: \x01\r\ncontent-length: 2\r\n\r\nok"],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
    ["an interim answer that is no HTTP", "HTTP/1.1 103 Early Hints\r\nx\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"],
    ["an interim answer of HTTP/1.0", "HTTP/1.0 103 X\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"],
    ["an interim answer that closes", "HTTP/1.1 103 X\r\nconnection: close\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"],
    ["a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok"],
    ["a coding that was not requested", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"],
    ["a chunk without a size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\nok"],
    ["a chunk whose size is no number", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\nok"],
    ["a space behind a chunk's size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n"],
    ["a torn chunk extension", 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x"\r\nok\r\n0\r\n\r\n'],
    ["a trailer that is no field", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx\r\n\r\n"],
    [
      "trailers without an end",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(1_000)}`,
    ],
    ["a chunk longer than it says", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokay\r\n"],
    ["a head without an end", `HTTP/1.1 200 OK\r\na: ${"x".repeat(70_000)}`],
    ["a chunk size without an end", `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;${"x".repeat(2_000)}`],
  ])("with %s is refused", (_, text) => {
    expect(() => read(text)).toThrow(ResponseParseError);
  });

  test.each([
    ["in its head", "HTTP/1.1 200 OK\r\n"],
    ["in its length", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"],
    ["in a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nok"],
    ["before its last chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"],
    [
      "before the blank line behind its last chunk",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    ],
  ])("whose connection closes %s is not whole", (_, text) => {
    const { ends, reader } = read(text);
    expect([reader.finish(), reader.hasEnded, ends]).toEqual([false, false, 0]);
  });
});
