import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OllamaChat, OllamaGeneration } from "#edge/protocol/ollama/answers.ts";
import { ollamaChatAnswers, ollamaGenerateAnswers } from "#origin/calls/wires/ollama/generation.ts";
import type { AnswerWire } from "#origin/calls/wires/wire.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { AnswerAssembly } from "#origin/calls/whole/assemble-answer.ts";
import { readRecordings, type Recording } from "#test/support/recordings.ts";
import { contextOf, end, head } from "./world.ts";

type Json = Record<string, unknown>;
type Line = {
  done: boolean;
  logprobs?: unknown[];
  message?: { content: string; thinking?: string; tool_calls?: unknown[] };
  response?: string;
  thinking?: string;
  tool_calls?: unknown[];
};

/** The lines of a stream of these choices; each is one JSON object. */
function stream(wire: AnswerWire, choices: readonly Json[]): Line[] {
  const translator = wire.openTranslator(contextOf());
  const pieces = [
    translator.begin(),
    ...structuredClone(choices).map((choice) => translator.add(choice)),
    translator.end(),
  ];
  for (const piece of pieces) expect(piece).toMatch(/^([^\n]+\n)*$/);
  return pieces
    .join("")
    .trimEnd()
    .split("\n")
    .map((line): Line => JSON.parse(line));
}

/** The whole answer that the agent puts together of the same choices. */
function whole(wire: AnswerWire, choices: readonly Json[]): Json {
  const bounds = { tokensHeld: 1e9, completionTokensMax: 1e9, choicesPerPrompt: 1, echoChunks: 0 };
  const assembly = new AnswerAssembly(new UsageMeter(bounds), {
    path: "/v1/chat/completions",
    choices: 1,
    hidesReasoning: false,
    hasContinuousUsage: true,
    isUsageOfOneChoice: false,
    charsMax: 1e6,
  });
  for (const choice of choices) {
    const payload = Buffer.from(JSON.stringify({ id: "x", choices: [choice] })).toString("latin1");
    expect(assembly.read(payload)).not.toBeNull();
  }
  return JSON.parse(JSON.stringify(wire.buildWhole(assembly.build(), contextOf())));
}

/** A stream's lines put together, as a client does it. */
function fold(lines: readonly Line[]): Json {
  const parts = lines.map(({ message, response, thinking, tool_calls }) => ({
    content: message?.content ?? response ?? "",
    thinking: message?.thinking ?? thinking ?? "",
    calls: message?.tool_calls ?? tool_calls ?? [],
  }));
  const content = parts.map((part) => part.content).join("");
  const thinking = parts.map((part) => part.thinking).join("");
  const tool_calls = parts.flatMap(({ calls }) => calls);
  const logprobs = lines.flatMap((line) => line.logprobs ?? []);
  const rest = { ...(thinking && { thinking }), ...(tool_calls.length > 0 && { tool_calls }) };
  const isChat = lines.at(-1)?.message !== undefined;
  const { message: _, response: __, ...last } = lines.at(-1) ?? { done: false };
  return {
    ...last,
    ...(isChat ? { message: { role: "assistant", content, ...rest } } : { response: content, ...rest }),
    ...(logprobs.length > 0 && { logprobs }),
  };
}

const forms = [
  ["chats", ollamaChatAnswers, OllamaChat],
  ["generations", ollamaGenerateAnswers, OllamaGeneration],
] as const;

describe("a stream", () => {
  const said = [
    { index: 0, delta: { role: "assistant", content: "" }, finish_reason: null },
    { index: 0, delta: { reasoning: "hm" }, finish_reason: null },
    { index: 0, delta: { content: "Hi" }, finish_reason: null },
    { index: 0, delta: {}, finish_reason: "length" },
  ];

  test("of a chat has a line for each piece, and a last one with what was used", () => {
    expect(stream(ollamaChatAnswers, said)).toEqual([
      { ...head, message: { role: "assistant", content: "", thinking: "hm" }, done: false },
      { ...head, message: { role: "assistant", content: "Hi" }, done: false },
      { ...head, message: { role: "assistant", content: "" }, ...end, done_reason: "length" },
    ]);
  });

  test("of a generation says the same side by side", () => {
    expect(stream(ollamaGenerateAnswers, said)).toEqual([
      { ...head, response: "", thinking: "hm", done: false },
      { ...head, response: "Hi", done: false },
      { ...head, response: "", ...end, done_reason: "length" },
    ]);
  });

  test("brings a call of a tool whole, behind all text, and stops for it", () => {
    const piece = (index: number, called: Json, id?: string) => ({
      index: 0,
      delta: { tool_calls: [{ index, ...(id && { id, type: "function" }), function: called }] },
      finish_reason: null,
    });
    const lines = stream(ollamaChatAnswers, [
      piece(0, { name: "f", arguments: "" }, "a"),
      piece(0, { arguments: '{"x":' }),
      piece(0, { arguments: "1}" }),
      piece(1, { name: "g", arguments: '{"cut":' }, "b"),
      { index: 0, delta: { content: "" }, finish_reason: "tool_calls" },
    ]);
    const tool_calls = [{ id: "a", function: { index: 0, name: "f", arguments: { x: 1 } } }];
    const content = '{"name":"g","arguments":"{\\"cut\\":"}';
    expect(lines).toEqual([
      { ...head, message: { role: "assistant", content, tool_calls }, done: false },
      { ...head, message: { role: "assistant", content: "" }, ...end },
    ]);
  });
});

describe("streamed or whole, an answer is the same", () => {
  const Piece = fc.oneof(
    fc.record({ content: fc.string({ unit: "binary", maxLength: 4 }) }),
    fc.record({ reasoning: fc.string({ maxLength: 4 }) }),
    fc.record({ reasoning_content: fc.string({ maxLength: 4 }) }),
    fc.record({
      tool_calls: fc.array(
        fc.record({ index: fc.nat(2), function: fc.record({ arguments: fc.constantFrom("{", "}", '"a":1', "") }) }),
        { maxLength: 2 },
      ),
    }),
  );
  const begins = (at: number) => ({
    index: 0,
    delta: {
      tool_calls: [{ index: at, id: `id${at}`, type: "function", function: { name: `f${at}`, arguments: "" } }],
    },
    finish_reason: null,
  });
  const reasons = fc.constantFrom("stop", "length", "tool_calls");

  for (const [name, wire, schema] of forms) {
    test(`for ${name} made of any pieces`, () => {
      fc.assert(
        fc.property(
          fc.array(Piece, { maxLength: 12 }),
          fc.nat(2),
          fc.boolean(),
          reasons,
          (pieces, calls, hasLogprobs, finish_reason) => {
            const choices = [
              ...Array.from({ length: calls }, (_, at) => begins(at)),
              ...pieces.map((delta) => ({
                index: 0,
                delta:
                  "tool_calls" in delta ? { tool_calls: delta.tool_calls.filter(({ index }) => index < calls) } : delta,
                logprobs: hasLogprobs
                  ? { content: [{ token: "t", logprob: -1, bytes: [116], top_logprobs: [] }] }
                  : null,
                finish_reason: null,
              })),
              { index: 0, delta: {}, finish_reason },
            ];
            const isBoth = ["reasoning", "reasoning_content"].every((one) => pieces.some((piece) => one in piece));
            fc.pre(!isBoth);
            const lines = stream(wire, choices);
            for (const line of lines) schema.parse(line);
            expect(lines.filter(({ done }) => done)).toEqual([lines.at(-1)]);
            expect(fold(lines)).toEqual(schema.parse(whole(wire, choices)));
          },
        ),
        { numRuns: 2_000 },
      );
    });
  }

  const streams = readRecordings<Recording>().filter(
    ([, { request, status, blocks, ended, name }]) =>
      request?.path === "/v1/chat/completions" &&
      status === 200 &&
      blocks &&
      !ended &&
      !/n2|death|echo|error/.test(name),
  );
  test.each(streams.map(([name, { blocks }]) => [name, blocks ?? []] as const))("for vLLM's %s", (_, blocks) => {
    const chunks = blocks
      .filter((block) => block.startsWith("data: {"))
      .map((block): { choices?: Json[] } => JSON.parse(block.slice(6)));
    const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
    const lines = stream(ollamaChatAnswers, choices);
    expect(fold(lines)).toEqual(whole(ollamaChatAnswers, choices));
    for (const line of lines) OllamaChat.parse(line);
  });

  test("and there are such recordings, of tools too", () => {
    expect(streams.length).toBeGreaterThan(10);
    expect(streams.some(([name]) => name.includes("tools"))).toBe(true);
  });
});

test("an answer without a choice is an empty one", () => {
  expect(ollamaChatAnswers.buildWhole({ choices: [] }, contextOf())).toEqual({
    ...head,
    message: { role: "assistant", content: "" },
    ...end,
  });
});
