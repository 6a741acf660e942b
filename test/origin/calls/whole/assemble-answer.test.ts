import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallPath } from "#edge/agreements/paths.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { AnswerAssembly, type AssemblyOptions } from "#origin/calls/whole/assemble-answer.ts";

const open = (path: CallPath, over: Partial<AssemblyOptions> = {}) => {
  const choices = over.choices ?? 1;
  const meter = new UsageMeter({ tokensHeld: 1e9, completionTokensMax: 1e9, choicesPerPrompt: choices, echoChunks: 0 });
  const assembly = new AnswerAssembly(meter, {
    path,
    choices,
    hidesReasoning: false,
    hasContinuousUsage: true,
    isUsageOfOneChoice: false,
    charsMax: 1e6,
    ...over,
  });
  const read = (chunk: unknown) => assembly.read(Buffer.from(JSON.stringify(chunk)).toString("latin1"));
  return { meter, assembly, read };
};

/** What a model made in one choice: pieces of texts, each with its logprob, and calls of tools in pieces. */
const Text = fc.string({ unit: "binary", maxLength: 5 });
const Piece = fc.oneof(
  fc.record({ kind: fc.constantFrom("content", "reasoning", "refusal"), text: Text }),
  fc.record({ kind: fc.constant("call"), call: fc.nat(2), text: Text }),
);
type Piece = typeof Piece extends fc.Arbitrary<infer Value> ? Value : never;

const chunkOf = (index: number, piece: Piece, isFirstOfCall: boolean) => {
  const named = { id: `id${"call" in piece ? piece.call : 0}`, type: "function" };
  const delta =
    "call" in piece
      ? {
          content: null,
          tool_calls: [
            {
              index: piece.call,
              ...(isFirstOfCall && named),
              function: { ...(isFirstOfCall && { name: `tool${piece.call}` }), arguments: piece.text },
            },
          ],
        }
      : { [piece.kind]: piece.text };
  return { index, delta, logprobs: { content: [{ token: piece.text }] }, finish_reason: null };
};

/** The choice as one would write it down who saw all of it at once. */
function writeChat(index: number, pieces: Piece[]) {
  const textOf = (kind: string) => pieces.filter((piece) => piece.kind === kind).map(({ text }) => text);
  const calls = [0, 1, 2].flatMap((call) => {
    const parts = pieces.filter((piece) => "call" in piece && piece.call === call);
    const made = { name: `tool${call}`, arguments: parts.map(({ text }) => text).join("") };
    return parts.length === 0 ? [] : [{ id: `id${call}`, type: "function", function: made }];
  });
  const extra = ["reasoning", "refusal"].filter((kind) => textOf(kind).length > 0);
  return {
    index,
    message: {
      role: "assistant",
      content: textOf("content").join(""),
      ...Object.fromEntries(extra.map((kind) => [kind, textOf(kind).join("")])),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
    logprobs: pieces.length > 0 ? { content: pieces.map(({ text }) => ({ token: text })) } : null,
    finish_reason: "length",
    stop_reason: null,
  };
}

describe("a chat's whole answer", () => {
  test("is what its chunks say together, for any choices, in any order between them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(Piece, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (made, seed) => {
          const { assembly, read, meter } = open("/v1/chat/completions", { choices: made.length });
          const send = (choice: object, more: object = {}) => read({ id: "x", created: 1, choices: [choice], ...more });
          const queues = made.map((pieces, index) => {
            const called = new Set<number>();
            return [
              { index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
              ...pieces.map((piece) => {
                const isFirst = "call" in piece && !called.has(piece.call);
                if ("call" in piece) called.add(piece.call);
                return chunkOf(index, piece, isFirst);
              }),
              { index, delta: {}, logprobs: null, finish_reason: "length", stop_reason: null },
            ];
          });
          for (let at = seed; queues.some((queue) => queue.length > 0); at = at * 31 + 7) {
            const left = queues.filter((queue) => queue.length > 0);
            send(left[Math.abs(at) % left.length]?.shift() ?? {});
            at %= 1_000_003;
          }
          read({ id: "x", created: 1, choices: [], usage: { prompt_tokens: 3 }, system_fingerprint: "print" });
          expect(assembly.hasFinished).toBe(true);
          expect(assembly.build()).toEqual({
            id: "x",
            object: "chat.completion",
            created: 1,
            choices: made.map((pieces, index) => writeChat(index, pieces)),
            usage: { prompt_tokens: 3 },
            system_fingerprint: "print",
          });
          const hasText = (piece: Piece) => "call" in piece || piece.text !== "";
          expect(meter.completionSoFar).toBe(made.flat().filter(hasText).length);
        },
      ),
    );
  });

  test("without the reasoning that its caller does not want, which is counted", () => {
    const { assembly, read, meter } = open("/v1/chat/completions", { hidesReasoning: true });
    const send = (delta: object, finish: string | null = null, logprobs: object | null = { content: [delta] }) =>
      read({ choices: [{ index: 0, delta, logprobs, finish_reason: finish }] });
    send({ role: "assistant", content: "" }, null, null);
    send({ reasoning: "think" });
    send({ reasoning_content: "think" });
    send({ content: "a" });
    send({}, "stop", null);
    expect(assembly.build()["choices"]).toEqual([
      {
        index: 0,
        message: { role: "assistant", content: "a" },
        logprobs: { content: [{ content: "a" }] },
        finish_reason: "stop",
      },
    ]);
    expect(meter.completionSoFar).toBe(3);
  });
});

describe("a completion's whole answer", () => {
  test("has the lists of its logprobs and ids one behind the other", () => {
    const { assembly, read } = open("/v1/completions");
    const send = (text: string, finish: string | null) =>
      read({
        object: "text_completion",
        choices: [
          {
            index: 0,
            text,
            logprobs: { tokens: [text], token_logprobs: [-1], top_logprobs: [{ [text]: -1 }], text_offset: [0] },
            token_ids: [7],
            finish_reason: finish,
            strange: text,
          },
        ],
      });
    send("é", null);
    send("🌍", "stop");
    expect(assembly.build()).toMatchObject({
      object: "text_completion",
      choices: [
        {
          index: 0,
          text: "é🌍",
          logprobs: { tokens: ["é", "🌍"], token_logprobs: [-1, -1], top_logprobs: [{ é: -1 }, { "🌍": -1 }] },
          token_ids: [7, 7],
          finish_reason: "stop",
          strange: "🌍",
        },
      ],
    });
  });
});

test("usage that runs on, or is of one choice of several, is not the answer's", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1 };
  const choices = [{ index: 0, text: "a", finish_reason: "stop" }];
  const read = (over: Partial<AssemblyOptions>) => {
    const { assembly, read: send } = open("/v1/completions", over);
    send({ choices, usage });
    return assembly.build()["usage"];
  };
  expect(read({ hasContinuousUsage: true })).toBeUndefined();
  expect(read({ hasContinuousUsage: false, isUsageOfOneChoice: true, choices: 2 })).toBeUndefined();
  expect(read({ hasContinuousUsage: false, isUsageOfOneChoice: true, choices: 1 })).toEqual(usage);
  expect(read({ hasContinuousUsage: false, choices: 2 })).toEqual(usage);
});

test("an answer is not whole while a choice that has begun has not ended", () => {
  const { assembly, read } = open("/v1/completions", { choices: 2 });
  expect(assembly.hasFinished).toBe(false);
  read({ choices: [{ index: 0, text: "a", finish_reason: "stop" }] });
  read({ choices: [{ index: 1, text: "a", finish_reason: null }] });
  expect(assembly.hasFinished).toBe(false);
  read({ choices: [{ index: 1, text: "a", finish_reason: "stop" }] });
  expect(assembly.hasFinished).toBe(true);
});

test("an answer that grows too large is let go; what had come is counted", () => {
  const { assembly, read, meter } = open("/v1/completions", { charsMax: 10 });
  const send = (text: string) => read({ choices: [{ index: 0, text, finish_reason: null }] });
  expect([send("12345"), send("67890")]).toEqual([".", "."]);
  expect([send("1"), assembly.isTooLarge]).toEqual([null, true]);
  expect(meter.completionSoFar).toBe(3);
  const scored = open("/v1/completions", { charsMax: 100 });
  const logprobs = { tokens: Array<string>(100).fill("a") };
  expect(scored.read({ choices: [{ index: 0, text: "a", logprobs, finish_reason: null }] })).toBeNull();
});
