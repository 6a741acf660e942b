import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { readBody, refuse, sendJson, statusBody } from "#infra/simulator/exchange.ts";
import { makeEngineProblem, makeProblem } from "#infra/simulator/problems.ts";

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a body that is not called JSON is refused as vLLM refuses it, and JSON comes back as an object", async () => {
  const url = await serve((request, response) => {
    readBody(request).then(
      (body) => sendJson(response, 200, JSON.stringify(body)),
      (cause: unknown) => refuse(response, cause),
    );
  });
  const post = (type: string) => fetch(url, { method: "POST", body: '{"a":1}', headers: { "content-type": type } });
  expect(await (await post("application/json; charset=utf-8")).json()).toEqual({ a: 1 });
  const refused = await post("text/plain");
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("Unsupported Media Type")]);
});

test("the engine's finding is a stream's first event, the server's is a status, anything else a 500", async () => {
  const causes = [makeEngineProblem("no such token"), makeProblem("no"), new Error("oh")];
  const url = await serve((request, response) => refuse(response, causes[Number(request.url?.slice(1))], true));
  const answers = await Promise.all(causes.map((_, at) => fetch(`${url}/${at}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 400, 500]);
  expect(await answers[0]?.text()).toMatch(/^data: \{"error": \{"message": "no such token".*\n\ndata: \[DONE\]\n\n$/);
});

test("a bare status says what vLLM says with it", () => {
  expect(statusBody(401)).toBe('{"error":"Unauthorized"}');
  expect(JSON.parse(statusBody(503))).toMatchObject({ error: { type: "Service Unavailable", code: 503 } });
});
