import { createServer } from "node:http";
import { describe, expect, test } from "vitest";
import type { CallPath } from "#edge/agreements/paths.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { startKeepAlive, readWhole, readTexts, writeWhole } from "#origin/calls/whole/whole-answer.ts";
import { readRecordings } from "#test/support/recordings.ts";

interface Recorded {
  request: { path: CallPath; method: string };
  status: number;
  body: string;
}

const newMeter = () =>
  new UsageMeter({ tokensHeld: 1e6, completionTokensMax: 1e5, choicesPerPrompt: 1, echoChunks: 0 });
const paths: ReadonlySet<string> = new Set(["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]);
const recorded = readRecordings<Recorded>()
  .filter(
    ([, { status, body, request }]) =>
      status === 200 && typeof body === "string" && paths.has(request?.path) && request.method === "POST",
  )
  .map(([name, { body, request }]): [string, CallPath, string] => [name, request.path, body]);

describe("every whole answer recorded from vLLM 0.32", () => {
  test.each(recorded)(
    "%s keeps all but the model's name and the engine's own affairs, and is billed as vLLM counted",
    (_, path, body) => {
      const meter = newMeter();
      const answer = readWhole(body, path, meter, false);
      const original = JSON.parse(body);
      const {
        kv_transfer_params: _kv,
        ec_transfer_params: _ec,
        metrics: _metrics,
        ...expected
      } = { ...original, model: "public" };
      expect(JSON.parse(writeWhole(answer, path, "public", meter))).toEqual(expected);
      expect(meter.read()).toMatchObject({
        promptTokens: original.usage.prompt_tokens,
        completionTokens: original.usage.completion_tokens ?? 0,
      });
    },
  );
});

test("the text to be counted is everything that was made", () => {
  const choices = [
    { text: "a" },
    { message: { content: "b", reasoning: "c" } },
    { message: { content: null, tool_calls: [{ function: { arguments: "{}" } }] } },
  ];
  expect(readTexts({ choices })).toEqual(["a", "c\nb", expect.stringContaining("arguments")]);
});

test("usage that is of the first choice alone is no usage of several", () => {
  const answer = (count: number) =>
    JSON.stringify({
      choices: Array.from({ length: count }, () => ({ text: "a", finish_reason: "stop" })),
      usage: { prompt_tokens: 3, completion_tokens: 5 },
    });
  const counted = (count: number, isUsageOfOneChoice: boolean) => {
    const meter = newMeter();
    readWhole(answer(count), "/v1/completions", meter, isUsageOfOneChoice);
    return { ...meter.read(), isUnknown: meter.isCompletionUnknown };
  };
  expect(counted(1, true)).toMatchObject({ promptTokens: 3, completionTokens: 5, isUnknown: false });
  expect(counted(2, true)).toMatchObject({ promptTokens: null, completionTokens: 2, isUnknown: true });
  expect(counted(2, false)).toMatchObject({ promptTokens: 3, completionTokens: 5, isUnknown: false });
});

test("a wait that ends in time writes nothing", async () => {
  const server = createServer((_, response) => {
    const stop = startKeepAlive(
      response,
      { wholeSilenceMsMax: 50, pingMs: 10 },
      () => ({}),
      () => {},
    );
    setTimeout(() => (stop(), response.end("{}")), 10);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("{}");
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});
