import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSocketWriter } from "#origin/calls/stream/writer/socket-writer.ts";
import { until } from "#test/support/fakes/origin.ts";

const server = createServer();
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

/** Both ends of a new connection: ours, to write to, and its reader's, who reads nothing yet. */
async function openPair(from: Server = server): Promise<{ ours: Socket; reader: Socket }> {
  const accepted = new Promise<Socket>((resolve) => from.once("connection", resolve));
  const reader = connect((from.address() as AddressInfo).port, "127.0.0.1");
  reader.pause().on("error", () => {});
  const ours = await accepted;
  ours.on("error", () => {});
  return { ours, reader };
}

function collect(reader: Socket): { text: string } {
  const received = { text: "" };
  reader.setEncoding("latin1").on("data", (text: string) => (received.text += text));
  reader.resume();
  return received;
}

/** Larger than what both kernel buffers hold. */
const tooMuch = 12 * 1024 * 1024;
/** Bytes that went through the stream: what the descriptor took is not among them. */
const countStreamBytes = (ours: Socket): number => ours.bytesWritten;

describe("text written by descriptor", () => {
  test("is with the kernel at once, without the stream", async () => {
    const { ours, reader } = await openPair();
    expect(openSocketWriter(ours)("one\xe9")).toBe(true);
    expect([ours.writableLength, countStreamBytes(ours)]).toEqual([0, 0]);
    const received = collect(reader);
    await until(() => received.text === "one\xe9");
    ours.destroy();
  });

  test("of which the kernel takes a part goes on through the stream, which asks its writer to wait", async () => {
    const { ours, reader } = await openPair();
    const write = openSocketWriter(ours);
    const [long, short] = ["a".repeat(tooMuch), "b"];
    expect(write(long)).toBe(false);
    expect(ours.writableNeedDrain).toBe(true);
    const left = ours.writableLength;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(tooMuch);
    // Bytes that the stream holds go first, however much room the kernel has by then.
    expect(write(short)).toBe(false);
    expect(ours.writableLength).toBe(left + short.length);
    const drained = new Promise((resolve) => ours.once("drain", resolve));
    const received = collect(reader);
    await drained;
    expect(write(short)).toBe(true);
    await until(() => received.text.length === tooMuch + 2);
    expect(received.text === `${long}bb`).toBe(true);
    ours.destroy();
  });

  test("never exceeds the stream's mark by more than a piece, when nobody reads", async () => {
    const { ours } = await openPair();
    const write = openSocketWriter(ours);
    const piece = "x".repeat(1_000);
    let pieces = 0;
    while (write(piece)) pieces++;
    expect(pieces * piece.length).toBeLessThan(tooMuch);
    expect(ours.writableLength).toBeLessThanOrEqual(ours.writableHighWaterMark + piece.length);
    ours.destroy();
  });

  test("arrives as it was written, whatever the stream writes between and however slowly it is read", async () => {
    const step = fc.record({
      way: fc.constantFrom("descriptor", "stream", "corked", "wait"),
      size: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 100_000, max: 3_000_000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), fc.nat(3), async (steps, pauseMs) => {
        const { ours, reader } = await openPair();
        const write = openSocketWriter(ours);
        let written = "";
        let received = "";
        reader.setEncoding("latin1").on("data", (text: string) => {
          received += text;
          reader.pause();
          setTimeout(() => reader.resume(), pauseMs);
        });
        for (const [at, { way, size }] of steps.entries()) {
          if (at === 2) reader.resume();
          if (way === "wait") {
            await new Promise((resolve) => setTimeout(resolve, 1));
            continue;
          }
          const text = String.fromCharCode(33 + (at % 200)).repeat(size);
          written += text;
          if (way === "corked") ours.cork();
          if (way === "descriptor") write(text);
          else ours.write(text, "latin1");
          if (way === "corked") process.nextTick(() => ours.uncork());
        }
        reader.resume();
        ours.end();
        await new Promise((resolve) => reader.once("end", resolve));
        expect(received === written).toBe(true);
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});

describe("a socket that is gone", () => {
  test("is not written to, whoever has its descriptor by now", async () => {
    const gone = await openPair();
    const write = openSocketWriter(gone.ours);
    gone.ours.destroy();
    await new Promise((resolve) => gone.ours.once("close", resolve));
    const others: { ours: Socket; reader: Socket }[] = [];
    for (let count = 0; count < 8; count++) others.push(await openPair());
    const received = others.flatMap(({ ours, reader }) => [collect(ours), collect(reader)]);
    write("for who left");
    for (const { ours } of others) ours.write("!");
    await until(() => received.filter(({ text }) => text !== "").length === others.length);
    expect(new Set(received.map(({ text }) => text))).toEqual(new Set(["", "!"]));
    for (const { ours, reader } of others) [ours, reader].forEach((each) => each.destroy());
  });

  test("reports that its reader reset the connection, as any stream does", async () => {
    const { ours, reader } = await openPair();
    const write = openSocketWriter(ours);
    let code: unknown;
    ours.once("error", (error: NodeJS.ErrnoException) => (code = error.code));
    const closed = new Promise((resolve) => ours.once("close", resolve));
    write("x");
    reader.resetAndDestroy();
    const timer = setInterval(() => write("y"), 1);
    await closed;
    clearInterval(timer);
    expect(["EPIPE", "ECONNRESET"]).toContain(code);
    expect(write("z")).toBe(false);
  });

  test("that was ended takes nothing more", async () => {
    const { ours, reader } = await openPair();
    const write = openSocketWriter(ours);
    const received = collect(reader);
    write("whole");
    ours.end();
    write("late");
    await new Promise((resolve) => reader.once("end", resolve));
    expect(received.text).toBe("whole");
    ours.destroy();
  });
});

describe("what is no plain TCP socket is written to as a stream", () => {
  test("a stream in memory", () => {
    const out = new PassThrough({ highWaterMark: 4 });
    const write = openSocketWriter(out);
    expect([write("a"), write("\xe9bcd"), out.read()]).toEqual([true, false, Buffer.from("a\xe9bcd", "latin1")]);
  });

  test("a socket in the file system", async () => {
    const folder = mkdtempSync(join(tmpdir(), "penstock-socket-writer-"));
    const pipes = createServer().listen(join(folder, "socket"));
    const accepted = new Promise<Socket>((resolve) => pipes.once("connection", resolve));
    const received = collect(connect(join(folder, "socket")));
    const ours = await accepted;
    openSocketWriter(ours)("text");
    expect(countStreamBytes(ours)).toBe(4);
    await until(() => received.text === "text");
    ours.destroy();
    await new Promise((resolve) => pipes.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test("TLS, so that nothing leaves in the clear", async () => {
    const psk = Buffer.alloc(16, 7);
    const common = { ciphers: "PSK", maxVersion: "TLSv1.2" } as const;
    const secure = createTlsServer({ ...common, pskCallback: () => psk });
    await new Promise<void>((resolve) => void secure.listen(0, "127.0.0.1", resolve));
    const accepted = new Promise<Socket>((resolve) => secure.once("secureConnection", resolve));
    const { port } = secure.address() as AddressInfo;
    const checkServerIdentity = () => undefined;
    const pskCallback = () => ({ psk, identity: "reader" });
    const received = collect(connectTls({ ...common, port, host: "127.0.0.1", checkServerIdentity, pskCallback }));
    const ours = await accepted;
    openSocketWriter(ours)("text");
    await until(() => received.text === "text");
    ours.destroy();
    await new Promise((resolve) => secure.close(resolve));
  });
});
