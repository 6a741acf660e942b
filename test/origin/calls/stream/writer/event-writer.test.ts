import { createServer, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventWriter } from "#origin/calls/stream/writer/event-writer.ts";

let serve: (response: ServerResponse) => void = () => {};
const server = createServer((_, response) => {
  response.writeHead(200, { "transfer-encoding": "chunked", "content-type": "text/event-stream" });
  response.flushHeaders();
  serve(response);
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(() => void server.close());

describe("chunks of our own framing", () => {
  test("arrive as written, with multi-byte characters and empty pieces, and the connection stays open", async () => {
    const latin1 = Buffer.from("é日本🌍").toString("latin1");
    serve = (response) => {
      const writer = openEventWriter(response);
      writer.write("data: a\n\n");
      writer.write("");
      writer.write(latin1.repeat(5_000));
      writer.end("data: [DONE]\n\n");
    };
    for (let at = 0; at < 3; at++) {
      expect(await (await fetch(url)).text()).toBe(`data: a\n\n${"é日本🌍".repeat(5_000)}data: [DONE]\n\n`);
    }
  });

  test("an end without a last piece ends the body too", async () => {
    serve = (response) => openEventWriter(response).end("");
    expect(await (await fetch(url)).text()).toBe("");
  });

  test("a body that is not ended is seen as cut", async () => {
    serve = (response) => {
      openEventWriter(response).write("data: a\n\n");
      setTimeout(() => response.destroy(), 20);
    };
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow();
  });

  test("report when the caller reads slower than they come, and when the caller has caught up", async () => {
    const seen = { isFull: false, drains: 0, isFullThen: true };
    serve = (response) => {
      const writer = openEventWriter(response);
      writer.onDrain = () => {
        seen.drains++;
        seen.isFullThen = writer.isFull;
        writer.end("end");
      };
      while (writer.write("x".repeat(100_000)));
      seen.isFull = writer.isFull;
    };
    const text = await (await fetch(url)).text();
    expect(text).toMatch(/^(?:x{100000})+end$/);
    expect(seen).toEqual({ isFull: true, drains: 1, isFullThen: false });
  });

  test("of a caller who pipelines come in the order of their requests", async () => {
    const writers: ReturnType<typeof openEventWriter>[] = [];
    serve = (response) => {
      writers.push(openEventWriter(response));
      if (writers.length < 2) return;
      for (const at of [1, 0]) writers[at]?.write(`data: ${at}\n\n`);
      for (const at of [1, 0]) writers[at]?.end("");
    };
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString())).write("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2));
    while (text.split("0\r\n\r\n").length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
    expect(text.split("\r\n\r\n").filter((part) => part.includes("data: "))).toEqual([
      "9\r\ndata: 0\n\n\r\n0",
      "9\r\ndata: 1\n\n\r\n0",
    ]);
  });
});
