import { Agent, request } from "node:http";
import { Duplex } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ResponseParser, ResponseParseError } from "#origin/engines/http/response-parser.ts";

/** What a reader made of a response. One that was refused, or that broke off, is not whole. */
interface Reading {
  isWhole: boolean;
  status: number;
  fields: Record<string, string>;
  body: string;
  isReusable: boolean;
}

const notWhole: Reading = { isWhole: false, status: 0, fields: {}, body: "", isReusable: false };

/** A connection whose other end sends these reads when it has been sent a request, and then ends its half. */
class ScriptedSocket extends Duplex {
  #reads: (Buffer | null)[];
  #hasRequest = false;

  constructor(reads: string[]) {
    super({ allowHalfOpen: true });
    this.#reads = [...reads.map((read) => Buffer.from(read, "latin1")), null];
  }

  override _read(): void {
    if (this.#hasRequest) this.#pushNext();
  }

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
    if (this.#hasRequest) return;
    this.#hasRequest = true;
    this.#pushNext();
  }

  #pushNext(): void {
    const read = this.#reads.shift();
    if (read !== undefined) setImmediate(() => this.push(read));
  }

  // What an agent calls on a socket that it keeps.
  setKeepAlive = () => this;
  setTimeout = () => this;
  ref = () => this;
  unref = () => this;
}

/** Node's own client, with an agent that keeps what it may keep. */
function readByNode(reads: string[]): Promise<Reading> {
  return new Promise((resolve) => {
    const socket = new ScriptedSocket(reads);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () => socket;
    let isKept = false;
    agent.on("free", () => (isKept = !socket.destroyed));
    // The agent keeps the connection, or does not, a tick after the response has ended.
    const settle = (reading: Reading) =>
      setImmediate(() => {
        resolve(reading.isWhole ? { ...reading, isReusable: isKept } : notWhole);
        agent.destroy();
        socket.destroy();
      });
    let isComplete = () => false;
    const call = request({ host: "engine", agent }, (response) => {
      isComplete = () => response.complete;
      const status = response.statusCode ?? 0;
      let body = "";
      response.on("data", (bytes: Buffer) => (body += bytes.toString("latin1")));
      response.on("error", () => {});
      response.on("close", () =>
        settle({
          isWhole: response.complete,
          status,
          fields: joinFields(response.rawHeaders),
          body,
          isReusable: false,
        }),
      );
    });
    // What follows a whole response and is no other one is an error of the connection's, not of the response's.
    call.on("error", () => isComplete() || settle(notWhole));
    call.on("upgrade", () => settle(notWhole));
    call.end();
  });
}

/** Names in lower case, values under one name joined: what our parser promises of fields. */
function joinFields(raw: string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    const value = raw[at + 1] ?? "";
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value;
  }
  return fields;
}

function readByUs(reads: string[]): Reading {
  const reading = { ...notWhole };
  const reader = new ResponseParser({
    head: ({ status, fields }) => Object.assign(reading, { status, fields: Object.fromEntries(fields) }),
    body: (text) => (reading.body += text),
    end: () => (reading.isWhole = true),
  });
  try {
    for (const read of reads) if (!reader.hasEnded) reader.push(read);
    reader.finish();
  } catch (error) {
    if (!(error instanceof ResponseParseError)) throw error;
    return notWhole;
  }
  return reading.isWhole ? { ...reading, isReusable: reader.isReusable } : notWhole;
}

const latin1 = (first: number, last: number) =>
  fc.integer({ min: first, max: last }).map((code) => String.fromCharCode(code));
const bytes = (lengthMax: number) => fc.string({ unit: latin1(0, 255), maxLength: lengthMax });
const value = fc
  .string({ unit: fc.oneof(latin1(0x21, 0x7e), latin1(0x80, 0xff), fc.constantFrom(" ", "\t")), maxLength: 20 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ""));
const field = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(..."aZ09-_.!#$%&'*+^`|~"), maxLength: 6 }),
    fc.constantFrom("", " ", "\t", "  "),
    value,
    fc.constantFrom("", " ", " \t"),
  )
  .map(([name, before, text, behind]) => `X-${name}:${before}${text}${behind}`);
const fields = fc.array(field, { maxLength: 4 });
const interim = fc
  .tuple(fc.constantFrom("100 Continue", "102 Processing", "103 Early Hints"), fields)
  .map(([status, lines]) => ["HTTP/1.1 " + status, ...lines, "", ""].join("\r\n"));
const chunk = fc
  .tuple(
    bytes(30).filter((text) => text !== ""),
    fc.constantFrom("", "0", "000"),
    fc.boolean(),
    fc.constantFrom("", ";x", ";x=1", ';x="a b"'),
  )
  .map(([text, zeros, isUpper, extension]) => {
    const size = zeros + text.length.toString(16);
    return { text, sent: `${isUpper ? size.toUpperCase() : size}${extension}\r\n${text}\r\n` };
  });

/** The field that says how long the body is, the body as it is sent, and what it says. */
const framed = fc.oneof(
  bytes(80).map((body) => ({ line: [`Content-Length: ${body.length}`], sent: body, body })),
  bytes(80).map((body) => ({ line: [], sent: body, body })),
  fc.tuple(fc.array(chunk, { maxLength: 5 }), fields).map(([chunks, trailers]) => ({
    line: ["Transfer-Encoding: chunked"],
    sent: `${chunks.map(({ sent }) => sent).join("")}0\r\n${trailers.map((line) => `${line}\r\n`).join("")}\r\n`,
    body: chunks.map(({ text }) => text).join(""),
  })),
);
const wellFormed = fc
  .record({
    interims: fc.array(interim, { maxLength: 2 }),
    version: fc.constantFrom("1.1", "1.1", "1.1", "1.0"),
    status: fc.constantFrom("200 OK", "200", "200 ", "404 Not Found", "503 \xe9", "204 No Content", "304 Not Modified"),
    fields,
    connection: fc.constantFrom([], [], ["Connection: keep-alive"], ["Connection: x, Close"], ["connection: close"]),
    framed,
  })
  .map(({ interims, version, status, fields, connection, framed }) => {
    const isEmpty = /^[23]04/.test(status);
    const lines = [...fields, ...connection, ...(isEmpty ? [] : framed.line)];
    return {
      text: [`${interims.join("")}HTTP/${version} ${status}`, ...lines, "", isEmpty ? "" : framed.sent].join("\r\n"),
      body: isEmpty ? "" : framed.body,
    };
  });

/** Where the reads of a connection end, anywhere in a text. */
const cuts = fc.array(fc.nat(), { maxLength: 12 });
function splitAt(text: string, cuts: number[]): string[] {
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b);
  return ends.map((end, at) => text.slice(ends[at - 1] ?? 0, end)).filter((read) => read !== "");
}

const tornChars = fc.constantFrom(..."\r\n\0 \t:;,-0af\x01\x7f\xa0");
const tornLines = fc.constantFrom(
  "Content-Length: 3",
  "Content-Length: 3, 3",
  "Content-Length : 3",
  "Content-Length: +3",
  "Content-Length: 3\xa0",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked\xa0",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding: chunked, identity",
  "Connection: close",
  "Connection: upgrade",
  "Upgrade: websocket",
  "HTTP/1.1 101 Switching",
  "HTTP/1.1 200 OK",
  " folded",
  "no colon",
  ": no name",
  "",
);
const tear = fc.oneof(
  fc.tuple(fc.nat(), tornChars).map(([at, char]) => ({ at, cut: 0, put: char })),
  fc.tuple(fc.nat(), tornChars).map(([at, char]) => ({ at, cut: 1, put: char })),
  fc.nat().map((at) => ({ at, cut: 1, put: "" })),
);
/** A response with lines put into its head and characters changed, which may be one still. */
const torn = fc
  .tuple(wellFormed, fc.array(fc.tuple(fc.nat(), tornLines), { maxLength: 1 }), fc.array(tear, { maxLength: 2 }))
  .map(([{ text }, lines, tears]) => {
    let made = text;
    for (const [at, line] of lines) {
      const [head = "", ...rest] = made.split("\r\n\r\n");
      const parts = head.split("\r\n");
      parts.splice(1 + (at % parts.length), 0, line);
      made = [parts.join("\r\n"), ...rest].join("\r\n\r\n");
    }
    for (const { at, cut, put } of tears) {
      const index = at % (made.length + 1);
      made = made.slice(0, index) + put + made.slice(index + cut);
    }
    return made;
  });

describe("a response is read as Node's own client reads it", () => {
  test("when it is well formed, wherever its reads were split", async () => {
    await fc.assert(
      fc.asyncProperty(wellFormed, cuts, async ({ text, body }, cuts) => {
        const reads = splitAt(text, cuts);
        const [ours, nodes] = [readByUs(reads), await readByNode(reads)];
        expect(ours).toEqual({ ...nodes, isReusable: ours.isReusable });
        expect([ours.isWhole, ours.body]).toEqual([true, body]);
        if (ours.isReusable) expect(nodes.isReusable).toBe(true);
      }),
      { numRuns: Number(process.env["TWIN_RUNS"] ?? 300) },
    );
  });

  test("or refused, when it is torn: never taken for another", async () => {
    await fc.assert(
      fc.asyncProperty(torn, cuts, async (text, cuts) => {
        const reads = splitAt(text, cuts);
        const ours = readByUs(reads);
        if (!ours.isWhole) return;
        const nodes = await readByNode(reads);
        expect({ ...ours, isReusable: nodes.isReusable }).toEqual(nodes);
        if (ours.isReusable) expect(nodes.isReusable).toBe(true);
      }),
      { numRuns: Number(process.env["TWIN_RUNS"] ?? 600) },
    );
  });
});
