import { expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { openOpenaiStream } from "#origin/calls/wires/openai-stream.ts";

const bounds = { tokensHeld: 100, completionTokensMax: 50, choicesPerPrompt: 1, echoChunks: 0 };
const counting = { choices: 1, hasContinuousUsage: true, isUsageOfOneChoice: false, hidesReasoning: false };
const token = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "engine",
  choices: [{ index: 0, delta: { content: "a" }, logprobs: null, finish_reason: "stop" }],
  usage: { prompt_tokens: 7, total_tokens: 8, completion_tokens: 1 },
});

function open(wantsUsage: boolean) {
  const meter = new UsageMeter(bounds);
  const object = "chat.completion.chunk";
  const options = { ...counting, model: "public", object, wantsUsage, wantsContinuousUsage: false };
  return openOpenaiStream(meter, { ...options, now: () => 5_000 });
}

test("a stream ends with [DONE], and with the usage that was asked for where the engine sent none", () => {
  const plain = open(false);
  expect(plain.frame(plain.read(token) ?? "")).toMatch(/^data: \{.*"model":"public".*\}\n\n$/);
  expect([plain.hasFinished, plain.responseId, plain.finish()]).toEqual([true, "chatcmpl-1", "data: [DONE]\n\n"]);
  const counted = open(true);
  counted.read(token);
  const [usage = "", done] = counted.finish().split("\n\n");
  expect(JSON.parse(usage.slice("data: ".length))).toEqual({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 5,
    model: "public",
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 },
  });
  expect(done).toBe("data: [DONE]");
});

test("a stream that broke says why, and nothing to whoever is not to be told", () => {
  expect(open(false).fail(new Refusal("stream_broken"))).toMatch(/^\n\ndata: \{"error":.*"stream_broken"\}\}\n\n$/);
  expect(open(false).fail(null)).toBe("");
});
