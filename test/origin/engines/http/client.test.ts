import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { openEngine, readAnswerText } from "#origin/engines/http/client.ts";
import { answerJson, startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";

let fake: FakeEngine | undefined;
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});

const models = { a: "a" };
const question = { method: "POST", path: "/v1/completions", body: "{}" } as const;

async function catchCode(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: unknown) => (error instanceof Refusal ? error.code : "unforeseen"),
  );
}

describe("the engine's client", () => {
  test("sends our own headers alone, the engine's key among them, and keeps a path prefix", async () => {
    fake = await startFakeEngine();
    fake.script = (response) => answerJson(response, 200, {});
    const engine = openEngine({ kind: "openai", url: `${fake.url}/base/`, apiKey: "engine-key", models });
    await readAnswerText(await engine.request({ ...question, requestId: "hold_1" }), 100);
    expect(fake.calls[0]?.path).toBe("/base/v1/completions");
    expect(fake.calls[0]?.headers).toMatchObject({ authorization: "Bearer engine-key", "x-request-id": "hold_1" });
    engine.close();
  });

  test("nobody there is 503, a hang-up before the answer 502", async () => {
    const nobody = openEngine({ kind: "vllm", url: "http://127.0.0.1:9", models });
    expect(await catchCode(nobody.request(question))).toBe("no_healthy_backends");
    expect(await nobody.requestText({ method: "GET", path: "/health" }, 500)).toEqual({ status: 0, text: "" });
    fake = await startFakeEngine();
    fake.script = (response) => void response.destroy();
    const rude = openEngine({ kind: "vllm", url: fake.url, models });
    expect(await catchCode(rude.request(question))).toBe("bad_gateway");
    nobody.close();
    rude.close();
  });

  test("a kept-alive socket that the engine closed meanwhile is replaced without a word", async () => {
    let requests = 0;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      let served = 0;
      socket.on("data", () => {
        requests++;
        if (served++ > 0) return void socket.resetAndDestroy();
        socket.write("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const engine = openEngine({
      kind: "vllm",
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      models,
    });
    for (let at = 0; at < 3; at++) {
      const answer = await engine.request(question);
      expect(await readAnswerText(answer, 10)).toBe("{}");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(requests).toBeGreaterThanOrEqual(4);
    engine.close();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });

  test("an answer larger than it may be is not read to its end", async () => {
    fake = await startFakeEngine();
    fake.script = (response) => answerJson(response, 200, JSON.stringify("x".repeat(10_000)));
    const engine = openEngine({ kind: "vllm", url: fake.url, models });
    expect(await catchCode(engine.request(question).then((answer) => readAnswerText(answer, 1_000)))).toBe(
      "bad_gateway",
    );
    engine.close();
  });

  test("a small question is given up in time", async () => {
    fake = await startFakeEngine();
    fake.script = () => {};
    const engine = openEngine({ kind: "vllm", url: fake.url, models });
    expect(await engine.requestText(question, 50)).toBeNull();
    engine.close();
  });
});
