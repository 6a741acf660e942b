import { describe, expect, test } from "vitest";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import type { CallPath } from "#edge/agreements/paths.ts";
import { SseDecoder } from "#origin/calls/stream/sse-decoder.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { AnswerAssembly } from "#origin/calls/whole/assemble-answer.ts";
import { completeVllmForm } from "#origin/calls/whole/vllm-form.ts";
import { isReplayable, readRecordings, type Recording } from "#test/support/recordings.ts";

/** What the same request was answered, whole and as a stream. */
interface Pair {
  title: string;
  path: CallPath;
  request: JsonObject;
  whole: string;
  blocks: string[];
}

/** Members that say in which form the answer is to come, and not which answer. */
const formMembers = ["stream", "stream_options", "stream_interval"];

/** Every whole answer beside each stream of the same request: vLLM drew the same tokens, since nothing was random. */
function listPairs(): Pair[] {
  const answered = readRecordings<Recording>()
    .filter(([name, recording]) => isReplayable(name, recording) && recording.status === 200)
    .filter(([, { server, request }]) => server === "chat" && /^\/v1\/(?:chat\/)?completions$/.test(request.path))
    .map(([name, { request, body, blocks }]) => {
      const parsed: JsonObject = JSON.parse(request.body ?? "{}");
      const rest = Object.entries(parsed).filter(([member]) => !formMembers.includes(member));
      const key = JSON.stringify([request.path, rest.sort(([one], [other]) => (one < other ? -1 : 1))]);
      return { name, key, path: request.path as CallPath, request: parsed, body, blocks };
    });
  return answered.flatMap(({ name, key, path, request, body: whole }) =>
    whole === undefined
      ? []
      : answered.flatMap((stream) =>
          stream.key === key && stream.blocks
            ? [{ title: `${name} from ${stream.name}`, path, request, whole, blocks: stream.blocks }]
            : [],
        ),
  );
}

function assemble({ path, request, blocks }: Pair): { answer: JsonObject; meter: UsageMeter } {
  const meter = new UsageMeter({ tokensHeld: 1e6, completionTokensMax: 1e5, choicesPerPrompt: 1, echoChunks: 0 });
  const options = { hidesReasoning: false, hasContinuousUsage: true, isUsageOfOneChoice: false, charsMax: 1e6 };
  const assembly = new AnswerAssembly(meter, { path, choices: 1, ...options });
  const payloads = new SseDecoder().push(Buffer.from(blocks.join("")).toString("latin1"));
  expect(payloads.pop()).toBe("[DONE]");
  for (const payload of payloads) expect(assembly.read(payload)).not.toBeNull();
  expect(assembly.hasFinished).toBe(true);
  return { answer: completeVllmForm(assembly.build(), path, request), meter };
}

/**
 * The answer as far as it does not depend on when it was given. Arguments are JSON in a text: a whole answer has a
 * reprint of what the model wrote, so they are compared as values.
 */
function normalize(answer: JsonObject, hasUsage: boolean): unknown {
  const { id: _id, created: _created, kv_transfer_params: _kv, ec_transfer_params: _ec, metrics: _m, ...rest } = answer;
  const { usage, ...others } = rest;
  return structuredClone({
    ...others,
    choices: (answer["choices"] as JsonObject[]).map(normalizeChoice),
    ...(hasUsage && isObject(usage) && { usage: { ...usage, prompt_tokens_details: undefined } }),
  });
}

function normalizeChoice(choice: JsonObject): JsonObject {
  const { message } = choice;
  if (!isObject(message) || !Array.isArray(message["tool_calls"])) return choice;
  const calls = message["tool_calls"].map((call: { id: string; function: { arguments: string } }) => ({
    ...call,
    id: call.id.replace(/[0-9a-f]{16}$/, "16 hex"),
    function: { ...call.function, arguments: JSON.parse(call.function.arguments) },
  }));
  return { ...choice, message: { ...message, tool_calls: calls } };
}

/** The names of all members, in their order. */
function listMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(listMembers);
  return isObject(value) ? Object.entries(value).map(([name, member]) => [name, listMembers(member)]) : null;
}

const pairs = listPairs();

describe("a whole answer that is put together from the stream of the same request", () => {
  test.each(pairs)("$title", (pair) => {
    const { answer, meter } = assemble(pair);
    const whole: JsonObject = JSON.parse(pair.whole);
    const hasUsage = pair.blocks.some((block) => block.includes('"choices":[],"usage"'));
    expect(normalize(answer, hasUsage)).toEqual(normalize(whole, hasUsage));
    // What vLLM tells of its own affairs is cut off in any case, and stands last.
    const order = listMembers(normalize(whole, hasUsage));
    expect(listMembers(normalize(answer, hasUsage))).toEqual(order);
    if (!hasUsage) return;
    // How much was cached differs from call to call; the members are the same, and the bill is vLLM's own count.
    const usage = answer["usage"] as JsonObject;
    expect(listMembers(usage)).toEqual(listMembers(whole["usage"]));
    expect(meter.read()).toMatchObject({
      promptTokens: usage["prompt_tokens"],
      completionTokens: usage["completion_tokens"],
    });
  });

  test("is compared for every kind of content that was recorded in both forms", () => {
    const titles = pairs.map(({ title }) => title).join();
    for (const kind of [
      "tools-hermes",
      "tools-named",
      "tools-required",
      "logprobs",
      "token-ids",
      "stop",
      "utf8",
      "eos",
    ])
      expect(titles).toContain(kind);
    expect(titles).toContain("completions-logprobs");
    expect(pairs.length).toBeGreaterThan(25);
  });
});
