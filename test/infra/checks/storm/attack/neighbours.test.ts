import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { callAsNeighbours } from "#infra/checks/storm/attack/neighbours.ts";

test("each org calls at its own pace whatever becomes of its calls, and each call is told as it was", async () => {
  const seen = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = request.headers.authorization ?? "";
    const number = (seen.get(key) ?? 0) + 1;
    seen.set(key, number);
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.once("end", () => {
      if (key.endsWith("b")) return void response.writeHead(503).end("{}");
      if (!text.includes('"stream":true')) return void response.end("{}");
      response.write('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n');
      setTimeout(() => {
        response.write('data: {"choices":[{"delta":{"content":"a"}}]}\n\n');
        response.end(number === 1 ? "data: [DONE]\n\n" : "");
      }, 50);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const calls = await callAsNeighbours(`http://127.0.0.1:${port}`, ["a", "b"], 960);
  server.close();
  expect(Object.fromEntries(seen)).toEqual({ "Bearer a": 3, "Bearer b": 3 });
  expect(calls.map(({ kind, status, isWhole }) => [kind, status, isWhole])).toEqual([
    ["plain", 200, true],
    ["plain", 200, false],
    ["heavy", 200, false],
    ["plain", 503, true],
    ["heavy", 503, true],
    ["plain", 503, true],
  ]);
  // Its first content, not its first event.
  for (const { firstMs } of calls.slice(0, 3)) expect(firstMs).toBeGreaterThanOrEqual(45);
});

test("an edge that is not there is no answer, and no crash", async () => {
  expect(await callAsNeighbours("http://127.0.0.1:1", ["a"], 100)).toEqual([
    { kind: "plain", status: null, firstMs: null, isWhole: false },
  ]);
});
