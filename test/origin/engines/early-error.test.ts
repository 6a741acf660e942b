import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { earlyError } from "#origin/engines/early-error.ts";
import { readText } from "#origin/engines/client.ts";

let server: Server;
let script: (response: ServerResponse) => void;
beforeAll(() => new Promise<void>((resolve) => {
  server = createServer((_, response) => script(response.writeHead(200, { "content-type": "text/event-stream" }))).listen(0, "127.0.0.1", resolve);
}));
afterAll(() => new Promise<void>((resolve) => {
  server.close(() => resolve());
  server.closeAllConnections();
}));

const open = (write: typeof script) => {
  script = write;
  return new Promise<IncomingMessage>((resolve) => get({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }, resolve));
};
const refusal = '{"error": {"message": "Token id 999999 is out of vocabulary", "type": "BadRequestError", "param": null, "code": 400}}';
const chunks = ['data: {"id":"a","choices":[]}\n\n', "data: [DONE]\n\n"];

test("a stream that begins with an error event is that error, with its status", async () => {
  const answer = await open((response) => response.end(`data: ${refusal}\n\ndata: [DONE]\n\n`));
  expect(await earlyError(answer, 1_000)).toEqual({ status: 400, text: refusal });
});

test("any other stream is passed on whole, whenever its first event comes", async () => {
  for (const afterMs of [0, 60]) {
    const answer = await open((response) => {
      response.flushHeaders();
      setTimeout(() => chunks.forEach((chunk) => response.write(chunk)), afterMs);
      setTimeout(() => response.end(), afterMs + 20);
    });
    expect(await earlyError(answer, 30)).toBeNull();
    expect(await readText(answer, 10_000)).toBe(chunks.join(""));
  }
});

test("flowing by 'data' works behind it, also when the bytes were there already", async () => {
  const answer = await open((response) => response.end(chunks.join("")));
  expect(await earlyError(answer, 1_000)).toBeNull();
  let text = "";
  answer.on("data", (bytes: Buffer) => (text += bytes.toString()));
  await new Promise((resolve) => answer.once("end", resolve));
  expect(text).toBe(chunks.join(""));
});

test("an error that is half there, has no status, or comes behind a chunk is left to the stream; an empty stream as well", async () => {
  for (const text of [`data: ${refusal.slice(0, 30)}`, 'data: {"error":"x"}\n\n', `${chunks[0]}data: ${refusal}\n\n`, ""]) {
    const answer = await open((response) => response.end(text));
    expect(await earlyError(answer, 200)).toBeNull();
  }
});

test("a stream that breaks before its first event does not throw here", async () => {
  const answer = await open((response) => {
    response.flushHeaders();
    setTimeout(() => response.destroy(), 20);
  });
  answer.on("error", () => undefined);
  expect(await earlyError(answer, 500)).toBeNull();
});
