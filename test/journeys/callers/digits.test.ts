import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";

/** Between each agent and its engine: what the engine got, byte for byte. */
const received: string[] = [];
const listeners: Server[] = [];
let own: OwnStack;

async function listenBefore(engineUrl: string): Promise<string> {
  const listener = createServer(async (request, response) => {
    const body = await text(request);
    if (request.method === "POST") received.push(body);
    const onward = httpRequest(
      engineUrl + request.url,
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    onward.end(body);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  listeners.push(listener);
  const address = listener.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

beforeAll(async () => {
  own = await openOwnStack({ viaEngine: listenBefore });
});
afterAll(async () => {
  await own.close();
  for (const listener of listeners) listener.close().closeAllConnections();
});

test("a number in a tool's schema reaches the engine with the caller's own digits", async () => {
  const org = await own.world.newOrg();
  const schema = '{"const":2512292042121000001,"maximum":9223372036854775807,"enum":[1e400,-0,1.10,1.0,0.1]}';
  const tools = `[{"type":"function","function":{"name":"f","parameters":${schema}}}]`;
  const messages = '[{"role":"user","content":"hi"}]';
  const body = `{"model":"chat","messages":${messages},"max_tokens":2,"temperature":1.0,"tools":${tools}}`;
  const answer = await own.world.post("/v1/chat/completions", org.key, body);
  expect(answer.status).toBe(200);
  expect(received.filter((sent) => sent.includes(schema))).toHaveLength(1);
});
