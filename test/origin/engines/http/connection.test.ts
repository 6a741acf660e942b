import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { EngineConnection, type EngineAnswer } from "#origin/engines/http/connection.ts";
import { makeCertificate } from "#test/support/fakes/certificate.ts";
import { until } from "#test/support/fakes/origin.ts";

const request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const buildHead = (more: string) => `HTTP/1.1 200 OK\r\n${more}\r\n\r\n`;
const whole = (text: string) => `${buildHead(`content-length: ${text.length}`)}${text}`;

let server: Server | undefined;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
});

/** A peer whose script runs for each request, and a connection to it. */
async function open(script: (socket: Socket, served: number) => void) {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    let served = 0;
    sockets.push(socket);
    socket.on("error", () => {}).on("data", () => script(socket, served++));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const heard = { free: 0, gone: 0 };
  const place = { host: "127.0.0.1", port: (server.address() as AddressInfo).port, isTls: false };
  return {
    heard,
    connection: new EngineConnection(
      place,
      () => heard.free++,
      () => heard.gone++,
    ),
  };
}

/** Everything that comes of a body. */
function hear(answer: EngineAnswer) {
  const received = { text: "", end: null as boolean | null };
  answer.listen({ text: (text) => (received.text += text), end: (isWhole) => (received.end = isWhole) });
  return received;
}

describe("a connection", () => {
  test("carries one exchange after another, and says when it is free", async () => {
    const { connection, heard } = await open((socket, served) => socket.write(whole(`answer ${served}`)));
    for (let at = 0; at < 3; at++) {
      expect(connection.isReused).toBe(at > 0);
      const answer = connection.send(request);
      await answer.head;
      const received = hear(answer);
      await until(() => received.end !== null);
      expect([answer.status, received, heard]).toEqual([
        200,
        { text: `answer ${at}`, end: true },
        { free: at + 1, gone: 0 },
      ]);
    }
    connection.close();
    await until(() => heard.gone === 1);
  });

  test.each([
    [
      "the engine closes it behind an answer",
      (socket: Socket) => void socket.write(`${buildHead("connection: close")}ok`, () => socket.end()),
      "ok",
    ],
    ["something follows an answer", (socket: Socket) => void socket.write(`${whole("ok")}HTTP/1.1`), "ok"],
    [
      "it answers what nobody requested",
      (socket: Socket) => void socket.write(whole("ok"), () => setTimeout(() => socket.write(whole("more")), 10)),
      "ok",
    ],
  ])("is gone when %s", async (_, script, text) => {
    const { connection, heard } = await open(script);
    const received = hear(connection.send(request));
    await until(() => received.end !== null && heard.gone === 1);
    expect(received).toEqual({ text, end: true });
  });

  test("is not used again while a part of the last request is still to be sent", async () => {
    const { connection, heard } = await open((socket) => void socket.pause().write(whole("early")));
    const received = hear(connection.send(request + "x".repeat(32 * 1024 * 1024)));
    await until(() => received.end !== null);
    expect([received.text, heard.free]).toEqual(["early", 0]);
  });

  test("that is refused, that breaks off or that speaks no HTTP rejects the head with its cause", async () => {
    const nobody = new EngineConnection(
      { host: "127.0.0.1", port: 9, isTls: false },
      () => {},
      () => {},
    );
    await expect(nobody.send(request).head).rejects.toMatchObject({ code: "ECONNREFUSED" });
    for (const [script, code] of [
      [(socket: Socket) => void socket.end(), "ECONNRESET"],
      [(socket: Socket) => void socket.resetAndDestroy(), "ECONNRESET"],
      [(socket: Socket) => void socket.write("220 smtp\r\n\r\n"), "bad_head"],
    ] as const) {
      const { connection, heard } = await open(script);
      await expect(connection.send(request).head).rejects.toMatchObject({ code });
      await until(() => heard.gone === 1);
    }
  });

  test("speaks TLS, and only with whom a known authority vouches for", async () => {
    const { key, cert } = makeCertificate();
    server = createTlsServer({ key, cert }, (socket) => {
      sockets.push(socket);
      socket.on("error", () => {}).on("data", () => socket.write(whole("secret")));
    }).on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const place = { host: "localhost", port: (server.address() as AddressInfo).port, isTls: true };
    await expect(
      new EngineConnection(
        place,
        () => {},
        () => {},
      ).send(request).head,
    ).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, cert]);
    let free = 0;
    const connection = new EngineConnection(
      place,
      () => free++,
      () => {},
    );
    for (let at = 0; at < 2; at++) {
      const received = hear(connection.send(request));
      await until(() => received.end !== null);
      expect([received, free]).toEqual([{ text: "secret", end: true }, at + 1]);
    }
    await expect(
      new EngineConnection(
        { ...place, host: "127.0.0.1" },
        () => {},
        () => {},
      ).send(request).head,
    ).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    setDefaultCACertificates(before);
    connection.close();
  });
});

describe("an answer", () => {
  test("holds what comes before anyone listens, shows it, and passes it on once", async () => {
    const { connection } = await open((socket) => {
      socket.write(`${buildHead("transfer-encoding: chunked")}3\r\none\r\n`);
      setTimeout(() => socket.write("3\r\ntwo\r\n0\r\n\r\n"), 40);
    });
    const answer = connection.send(request);
    expect(await answer.peek(5_000)).toBe("one");
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(await answer.peek(5_000)).toBe("one");
    const received = hear(answer);
    await until(() => received.end !== null);
    expect(received).toEqual({ text: "onetwo", end: true });
  });

  test("shows nothing when nothing comes in time, or ever", async () => {
    const silent = await open((socket) => void socket.write(buildHead("transfer-encoding: chunked")));
    expect(await silent.connection.send(request).peek(20)).toBe("");
    const empty = await open((socket) => void socket.write(whole("")));
    expect(await empty.connection.send(request).peek(5_000)).toBe("");
    silent.connection.close();
  });

  test("that broke off says so once, also to who listens late", async () => {
    const { connection } = await open(
      (socket) => void socket.write(`${buildHead("content-length: 9")}half`, () => socket.end()),
    );
    const answer = connection.send(request);
    expect(await answer.peek(5_000)).toBe("half");
    const received = hear(answer);
    await until(() => answer.hasEnded);
    expect([received, hear(answer)]).toEqual([
      { text: "half", end: false },
      { text: "", end: false },
    ]);
  });

  test("that is paused holds the engine back, and goes on where it was", async () => {
    let written = 0;
    const piece = "x".repeat(64 * 1024);
    const { connection } = await open((socket) => {
      socket.write(buildHead(`content-length: ${400 * piece.length}`));
      const more = () => {
        while (written < 400 && socket.write(piece)) written++;
        if (written++ < 400) socket.once("drain", more);
      };
      more();
    });
    const answer = connection.send(request);
    let length = 0;
    let isWhole: boolean | null = null;
    answer.listen({
      text(text) {
        if (length === 0) answer.pause();
        length += text.length;
      },
      end: (whole) => (isWhole = whole),
    });
    await until(() => length > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([answer.isPaused, length < piece.length, written < 300]).toEqual([true, true, true]);
    answer.resume();
    await until(() => isWhole !== null);
    expect([isWhole, length]).toEqual([true, 400 * piece.length]);
  });

  test("whose caller left still passes on what the engine had sent, until it closes", async () => {
    const { connection } = await open((socket) => {
      socket.write(`${buildHead("transfer-encoding: chunked")}3\r\none\r\n`);
      socket.on("end", () => socket.end("3\r\ntwo\r\n"));
    });
    const answer = connection.send(request);
    const received = hear(answer);
    await until(() => received.text === "one");
    answer.leave();
    await until(() => received.end !== null);
    expect(received).toEqual({ text: "onetwo", end: false });
  });

  test("that is destroyed passes nothing more on, and takes its connection with it", async () => {
    const { connection, heard } = await open((socket) => void socket.write(`${buildHead("content-length: 9")}half`));
    const answer = connection.send(request);
    const received = hear(answer);
    await until(() => received.text === "half");
    answer.destroy();
    await until(() => heard.gone === 1);
    expect([received, answer.hasEnded, heard.free]).toEqual([{ text: "half", end: null }, true, 0]);
  });
});
