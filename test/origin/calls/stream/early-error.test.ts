import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { detectEarlyError } from "#origin/calls/stream/early-error.ts";
import { openEngine, readAnswerText, type Engine } from "#origin/engines/http/client.ts";

let server: Server;
let engine: Engine;
let script: (response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((_, response) => script(response.writeHead(200, { "content-type": "text/event-stream" })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  engine = openEngine({
    kind: "vllm",
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    models: { a: "a" },
  });
});
afterAll(
  () =>
    new Promise<void>((resolve) => {
      engine.close();
      server.close(() => resolve());
      server.closeAllConnections();
    }),
);

const open = (write: typeof script) => {
  script = write;
  return engine.request({ method: "GET", path: "/", isStream: true });
};
const refusal =
  '{"error": {"message": "Token id 999999 is out of vocabulary", "type": "BadRequestError", "code": 400}}';
const chunks = ['data: {"id":"a","choices":[]}\n\n', "data: [DONE]\n\n"];

test("a stream that begins with an error event is that error, with its status", async () => {
  const answer = await open((response) => response.end(`data: ${refusal}\n\ndata: [DONE]\n\n`));
  expect(await detectEarlyError(answer, 1_000)).toEqual({ status: 400, text: refusal });
});

test.each([
  ["lines that end in CRLF", `data: ${refusal}\r\n\r\ndata: [DONE]\r\n\r\n`],
  ["no space after the colon", `data:${refusal}\n\ndata: [DONE]\n\n`],
  ["a byte order mark, a comment and other fields", `\ufeff: hello\n\nevent: error\nid: 1\ndata: ${refusal}\n\n`],
  ["an event with empty data before it", `data:\n\ndata: ${refusal}\n\n`],
])("an error event is found as the first whatever its framing: %s", async (_, text) => {
  const answer = await open((response) => response.end(text));
  expect(await detectEarlyError(answer, 1_000)).toEqual({ status: 400, text: refusal });
});

test("the flat error of an older vLLM is found as well", async () => {
  const flat = '{"object":"error","message":"x","type":"BadRequestError","param":null,"code":400}';
  const answer = await open((response) => response.end(`data: ${flat}\n\n`));
  expect(await detectEarlyError(answer, 1_000)).toEqual({ status: 400, text: flat });
});

test("any other stream is passed on whole, whenever its first event comes", async () => {
  for (const afterMs of [0, 60]) {
    const answer = await open((response) => {
      response.flushHeaders();
      setTimeout(() => chunks.forEach((chunk) => response.write(chunk)), afterMs);
      setTimeout(() => response.end(), afterMs + 20);
    });
    expect(await detectEarlyError(answer, 30)).toBeNull();
    expect(await readAnswerText(answer, 10_000)).toBe(chunks.join(""));
  }
});

test("what came before the look and what comes after it come once, in order", async () => {
  const answer = await open((response) => response.end(chunks.join("")));
  expect(await detectEarlyError(answer, 1_000)).toBeNull();
  let text = "";
  const isWhole = await new Promise((resolve) => answer.listen({ text: (piece) => (text += piece), end: resolve }));
  expect([text, isWhole]).toEqual([chunks.join(""), true]);
});

test("an error that is incomplete, without status or behind a chunk is left to the stream", async () => {
  for (const text of [
    `data: ${refusal.slice(0, 30)}`,
    'data: {"error":"x"}\n\n',
    `${chunks[0]}data: ${refusal}\n\n`,
    "",
  ]) {
    const answer = await open((response) => response.end(text));
    expect(await detectEarlyError(answer, 200)).toBeNull();
  }
});

test("a stream that breaks before its first event does not throw here", async () => {
  const answer = await open((response) => {
    response.flushHeaders();
    setTimeout(() => response.destroy(), 20);
  });
  expect(await detectEarlyError(answer, 500)).toBeNull();
});
