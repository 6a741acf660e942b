import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ask, EdgeError, type Question } from "#clients/cli/ask.ts";

const credential = "sk-pen-admin-CANARY";
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** An edge that answers so; it keeps what it was sent. */
async function openEdge(answer: RequestListener) {
  const received: { request: IncomingMessage; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(Buffer.from(part));
    received.push({ request, body: Buffer.concat(parts).toString() });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { edge: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), received };
}

const answering = (status: number, body: string): RequestListener => {
  return (_, response) => void response.writeHead(status, { "content-type": "application/json" }).end(body);
};

async function fail(edge: URL, question: Question = { method: "GET", path: "/x" }): Promise<EdgeError> {
  const failure = await ask({ edge, credential }, question).catch((cause: unknown) => cause);
  if (!(failure instanceof EdgeError)) throw new Error("no EdgeError");
  expect(failure.message).not.toContain(credential);
  return failure;
}

test("a question reaches the edge with query, JSON and credential; the answer is the edge's JSON", async () => {
  const { edge, received } = await openEdge(answering(200, '{"id":1}'));
  const query = { limit: "7", cursor: undefined, name: "a b&c" };
  const to = { edge: new URL("/behind/", edge), credential };
  expect(await ask(to, { method: "POST", path: "/control/keys", query, body: { name: "n" } })).toEqual({ id: 1 });
  const [{ request, body } = { request: null, body: "" }] = received;
  expect([request?.method, request?.url, body]).toEqual([
    "POST",
    "/behind/control/keys?limit=7&name=a+b%26c",
    '{"name":"n"}',
  ]);
  expect(request?.headers).toMatchObject({
    authorization: `Bearer ${credential}`,
    accept: "application/json",
    "content-type": "application/json",
  });
});

test("without a credential and a body, neither has a header", async () => {
  const { edge, received } = await openEdge(answering(200, "{}"));
  await ask({ edge, credential: null }, { method: "GET", path: "/health" });
  expect(received[0]?.request.headers).not.toHaveProperty("authorization");
  expect(received[0]?.request.headers).not.toHaveProperty("content-type");
});

describe("a refusal", () => {
  test("is an EdgeError with the edge's message, status and code, and the body as it was", async () => {
    const body = { error: { message: "No such key.", code: "not_found" } };
    const { edge } = await openEdge(answering(404, JSON.stringify(body)));
    const { message, body: kept } = await fail(edge);
    expect([message, kept]).toEqual(["No such key. (404 not_found)", body]);
  });

  test("cannot move the terminal's cursor", async () => {
    const { edge } = await openEdge(answering(400, JSON.stringify({ error: { message: "a\u001b[2Jb", code: "c" } })));
    expect((await fail(edge)).message).toBe("a\ufffd[2Jb (400 c)");
  });

  test("without a message is named by its status", async () => {
    const { edge } = await openEdge(answering(500, "{}"));
    expect((await fail(edge)).message).toBe("the edge answered 500.");
  });

  test("is an answer where the question says that its status may be one", async () => {
    const { edge } = await openEdge(answering(503, '{"status":"unhealthy"}'));
    const question = { method: "GET", path: "/health" } as const;
    expect(await ask({ edge, credential: null }, { ...question, mayAnswer: 503 })).toEqual({ status: "unhealthy" });
    await fail(edge, { ...question, mayAnswer: 404 });
  });
});

test("an answer that is not JSON is none, even with 200", async () => {
  const { edge } = await openEdge(answering(200, "<html>hello</html>"));
  expect((await fail(edge)).message).toMatch(/answered 200 with something that is not JSON/);
});

test("a redirect is not followed, so the credential goes nowhere else", async () => {
  const { edge: other, received } = await openEdge(answering(200, "{}"));
  const { edge } = await openEdge((_, response) => void response.writeHead(302, { location: other.href }).end());
  expect((await fail(edge)).message).toContain("it redirects");
  expect(received).toEqual([]);
});

test("an edge that nobody reaches is named with the reason's code", async () => {
  const { edge } = await openEdge(answering(200, "{}"));
  closing.splice(0).forEach((close) => close());
  expect((await fail(edge)).message).toBe(
    `cannot reach the edge at ${edge.origin} (ECONNREFUSED). Is it running, and is the URL right?`,
  );
});
