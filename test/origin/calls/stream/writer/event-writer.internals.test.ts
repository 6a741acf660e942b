import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventWriter } from "#origin/calls/stream/writer/event-writer.ts";
import { until } from "#test/support/fakes/origin.ts";

let serve: (response: ServerResponse) => void = () => {};
const server = createServer((_, response) => {
  response.writeHead(200, { "transfer-encoding": "chunked" });
  response.flushHeaders();
  serve(response);
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A caller who sees every byte. */
function call() {
  const caller = { received: "", socket: connect((server.address() as AddressInfo).port, "127.0.0.1") };
  const ask = () => caller.socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  caller.socket.setEncoding("latin1").on("data", (text: string) => (caller.received += text));
  ask();
  return { caller, ask };
}

/**
 * The event writer writes past the response, to its socket. That is no promise of Node's: a new major that breaks one
 * of these is to be met by a change in event-writer.ts, not here.
 */
describe(`a response of Node ${process.versions.node.split(".")[0]}, whose socket we write to ourselves`, () => {
  test("has sent its head by then, and puts nothing between, behind or around our bytes", async () => {
    serve = (response) => {
      expect([response.headersSent, response.chunkedEncoding, response.socket?.writableCorked]).toEqual([
        true,
        true,
        0,
      ]);
      const writer = openEventWriter(response);
      writer.write("one\n\n");
      setTimeout(() => writer.end("two\n\n"), 5);
    };
    const { caller, ask } = call();
    const body = "5\r\none\n\n\r\n5\r\ntwo\n\n\r\n0\r\n\r\n";
    for (const answers of [1, 2]) {
      await until(() => caller.received.split("0\r\n\r\n").length > answers);
      if (answers === 1) ask();
    }
    const parts = caller.received.split(/HTTP\/1\.1 200 OK\r\n(?:[\w-]+: [^\r\n]+\r\n)+\r\n/);
    expect(parts).toEqual(["", body, body]);
    caller.socket.destroy();
  });

  test("hands each piece to the kernel at once: nothing waits for a tick", async () => {
    const waiting: (number | undefined)[] = [];
    serve = (response) => {
      const writer = openEventWriter(response);
      for (const piece of ["a", "b", "c"]) {
        writer.write(piece);
        waiting.push(response.socket?.writableLength);
      }
      writer.end("");
    };
    const { caller } = call();
    await until(() => caller.received.endsWith("0\r\n\r\n"));
    expect(waiting).toEqual([0, 0, 0]);
    caller.socket.destroy();
  });

  test("counts as finished when it was ended, and only then: so we know who left", async () => {
    const closed: boolean[] = [];
    serve = (response) => {
      response.once("close", () => closed.push(response.writableFinished));
      openEventWriter(response).end("end");
    };
    const served = call();
    await until(() => closed.length === 1);
    serve = (response) => {
      response.once("close", () => closed.push(response.writableFinished));
      openEventWriter(response).write("begin");
    };
    const leaver = call();
    await until(() => leaver.caller.received.includes("begin"));
    leaver.caller.socket.destroy();
    await until(() => closed.length === 2);
    expect(closed).toEqual([true, false]);
    served.caller.socket.destroy();
  });

  test("is full when its socket is, and reports when it has drained", async () => {
    let drains = 0;
    serve = (response) => {
      const writer = openEventWriter(response);
      writer.onDrain = () => {
        drains++;
        writer.end("");
      };
      while (writer.write("x".repeat(100_000)));
      expect([writer.isFull, response.socket?.writableNeedDrain]).toEqual([true, true]);
    };
    const { caller } = call();
    await until(() => caller.received.endsWith("0\r\n\r\n"));
    expect(drains).toBe(1);
    caller.socket.destroy();
  });
});
