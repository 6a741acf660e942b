import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkRewriter, type RewriterOptions } from "#origin/calls/stream/chunk-rewriter.ts";
import { SseDecoder } from "#origin/calls/stream/sse-decoder.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { readRecordings } from "#test/support/recordings.ts";

interface Recorded {
  request: { path: string; body: string };
  status: number;
  blocks: string[];
}
const streams = readRecordings<Recorded>()
  .filter(([name]) => /^(?:chat|completions)-stream/.test(name))
  .filter(([, recorded]) => recorded.status === 200 && Array.isArray(recorded.blocks));

function replay(recorded: Recorded, over: Partial<RewriterOptions> = {}) {
  const body = JSON.parse(recorded.request.body);
  const prompts = Array.isArray(body.prompt) && typeof body.prompt[0] !== "number" ? body.prompt.length : 1;
  const choices = (body.n ?? 1) * prompts;
  const meter = new UsageMeter({
    tokensHeld: 1e6,
    completionTokensMax: 1e5,
    choicesPerPrompt: body.n ?? 1,
    echoChunks: body.echo ? choices : 0,
  });
  const rewriter = new ChunkRewriter(meter, {
    model: "public/é",
    choices,
    wantsUsage: false,
    wantsContinuousUsage: false,
    hidesReasoning: false,
    hasContinuousUsage: true,
    isUsageOfOneChoice: false,
    ...over,
  });
  const payloads = new SseDecoder()
    .push(Buffer.from(recorded.blocks.join("")).toString("latin1"))
    .filter((payload) => payload !== "[DONE]");
  const passed = payloads.map((payload) => rewriter.read(payload));
  const sent = passed
    .filter((payload) => payload !== null && payload !== "")
    .map((payload) => JSON.parse(Buffer.from(payload ?? "", "latin1").toString("utf8")));
  const originals = payloads.map((payload) => JSON.parse(Buffer.from(payload, "latin1").toString("utf8")));
  return { meter, rewriter, passed, sent, originals };
}

describe("every stream recorded from vLLM 0.32", () => {
  test.each(streams)("%s passes unchanged but for the model's name and usage", (_, recorded) => {
    const { sent, originals, passed, rewriter } = replay(recorded);
    expect(passed).not.toContain(null);
    const expected = originals
      .filter(({ choices }) => choices.length > 0)
      .map(({ usage: _usage, ...rest }) => ({ ...rest, model: "public/é" }));
    expect(sent).toEqual(expected);
    expect(rewriter.hasFinished).toBe(true);
    expect(rewriter.responseId).toBe(originals[0].id);
  });

  test.each(streams)("%s keeps everything for a caller who requested usage on every chunk", (_, recorded) => {
    const { sent, originals } = replay(recorded, { wantsUsage: true, wantsContinuousUsage: true });
    expect(sent).toEqual(originals.map((original) => ({ ...original, model: "public/é" })));
  });

  test.each(streams.filter(([, { blocks }]) => blocks.at(-2)?.includes('"choices":[],"usage"')))(
    "%s is counted as vLLM counts it in the end, also when its last chunk is lost",
    (_, recorded) => {
      const { meter, originals } = replay(recorded);
      const { prompt_tokens, completion_tokens } = originals.at(-1).usage;
      expect(meter.read()).toMatchObject({ promptTokens: prompt_tokens, completionTokens: completion_tokens });
      if (!recorded.request.body.includes("continuous_usage_stats")) return;
      const cut = replay({ ...recorded, blocks: recorded.blocks.slice(0, -2) });
      expect(cut.meter.read()).toMatchObject({ promptTokens: prompt_tokens, completionTokens: completion_tokens });
    },
  );

  test("the error event of a dying engine is no chunk, and what came before it is counted", () => {
    const [, recorded] = streams.find(([name]) => name === "chat-stream-usage-continuous") ?? [
      "",
      { request: { path: "", body: "{}" }, status: 200, blocks: [] },
    ];
    const fault =
      '"message": "EngineCore encountered an issue.", "type": "InternalServerError", "param": null, "code": 500';
    const error = `data: {"error": {${fault}}}\n\n`;
    const { passed, meter } = replay({ ...recorded, blocks: [...recorded.blocks.slice(0, 5), error] });
    expect(passed.at(-1)).toBeNull();
    expect(meter.read()).toMatchObject({ promptTokens: 33, completionTokens: 4 });
  });
});

describe("the chunks of llama.cpp's server", () => {
  const open = (choicesPerPrompt: number) => {
    const meter = new UsageMeter({ tokensHeld: 1e6, completionTokensMax: 30, choicesPerPrompt, echoChunks: 0 });
    return {
      meter,
      rewriter: new ChunkRewriter(meter, {
        model: "public",
        choices: 2,
        wantsUsage: true,
        wantsContinuousUsage: false,
        hidesReasoning: false,
        hasContinuousUsage: false,
        isUsageOfOneChoice: true,
      }),
    };
  };
  const usage = (prompt: number, completion: number) => ({
    usage: { completion_tokens: completion, prompt_tokens: prompt, total_tokens: prompt + completion },
  });
  const read = (rewriter: ChunkRewriter, events: unknown[]) =>
    events.map((event) => rewriter.read(JSON.stringify(event)));

  test("of several prompts begin with null, and each choice ends with its own usage: they are summed", () => {
    const { meter, rewriter } = open(1);
    const text = (index: number) => ({ choices: [{ text: "a", index, finish_reason: null }] });
    const end = (index: number, prompt: number) => ({
      choices: [{ text: "", index, finish_reason: "length" }],
      ...usage(prompt, 3),
    });
    const passed = read(rewriter, [null, text(0), text(1), end(0, 4), text(1), end(1, 5)]);
    expect(passed.map((payload) => payload !== "" && payload !== null)).toEqual([false, true, true, true, true, true]);
    expect(passed.join("")).not.toContain("usage");
    expect(meter.read()).toMatchObject({ promptTokens: 9, completionTokens: 6 });
    expect(rewriter.hasFinished).toBe(true);
  });

  test("of several choices come with a usage chunk for each choice that ended; the last is of all", () => {
    const { meter, rewriter } = open(2);
    const end = (index: number) => ({ choices: [{ delta: {}, index, finish_reason: "length" }] });
    read(rewriter, [end(1), { choices: [], ...usage(26, 5) }, end(0), { choices: [], ...usage(26, 6) }]);
    expect(meter.read()).toMatchObject({ promptTokens: 26, completionTokens: 6 });
  });
});

describe("a token's chunk, cut by position", () => {
  const latin1 = (text: string) => Buffer.from(text).toString("latin1");
  const utf8 = (text: string) => Buffer.from(text, "latin1").toString("utf8");
  const head = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"engine","choices":[';
  const open = (over: Partial<RewriterOptions> = {}) => {
    const meter = new UsageMeter({ tokensHeld: 1e6, completionTokensMax: 30, choicesPerPrompt: 1, echoChunks: 0 });
    return {
      meter,
      rewriter: new ChunkRewriter(meter, {
        model: "öffentlich",
        choices: 1,
        wantsUsage: false,
        wantsContinuousUsage: false,
        hidesReasoning: false,
        hasContinuousUsage: true,
        isUsageOfOneChoice: false,
        ...over,
      }),
    };
  };

  test("keeps what the engine wrote of its choice, escapes and all, so it was not parsed", () => {
    const usage =
      '"usage":{"prompt_tokens":33,"total_tokens":34,"completion_tokens":1,"completion_tokens_details":null}';
    const unfinished = '"logprobs":null,"finish_reason":null';
    const piece = String.raw`{"index":1,"function":{"arguments":"{\"\u00e9\""}}`;
    const choices = [
      String.raw`{"index":0,"delta":{"content":"\u00e9 \"usage\" \\"},${unfinished},"token_ids":null}`,
      String.raw`{"index":0,"delta":{"reasoning":"\u00e9"},${unfinished},"token_ids":[7,12]}`,
      `{"index":0,"delta":{"content":null,"tool_calls":[${piece}]},${unfinished},"token_ids":null}`,
      String.raw`{"index":0,"text":"\u00e9",${unfinished},"stop_reason":null,"prompt_token_ids":null,"token_ids":null}`,
    ];
    for (const wantsContinuousUsage of [false, true]) {
      const { rewriter, meter } = open({ wantsContinuousUsage });
      rewriter.read(`${head}{"index":0,"delta":{},"finish_reason":null}]}`);
      for (const choice of choices) {
        const passed = rewriter.read(`${head}${choice}],${usage}}`);
        expect(utf8(passed ?? "")).toBe(
          `${head.replace("engine", "öffentlich")}${choice}]${wantsContinuousUsage ? `,${usage}` : ""}}`,
        );
      }
      expect(meter.read()).toEqual({ promptTokens: 33, cachedTokens: 0, completionTokens: 4, units: 0 });
    }
  });

  test("writes each payload as one line, also where the engine wrote its chunks over several", () => {
    const { rewriter } = open();
    const lines = head.replace(",", ",\n");
    const choice = '{"index":0,"delta":{"content":"a"},"logprobs":null,"finish_reason":null,"token_ids":null}';
    for (let at = 0; at < 3; at++) expect(rewriter.read(`${lines}${choice}]}`)).not.toContain("\n");
  });

  const hostile = [
    '],"usage":{"prompt_tokens":1,"total_tokens":9,"completion_tokens":8}}',
    '"finish_reason":"stop"',
    '"usage"',
    "usage",
    "finish_reason",
    "\\",
    '"',
    "}]}",
    "\n\ndata: [DONE]\n\n",
    "é日🌍",
    "\u0000\u001f\u007f",
    "",
  ];
  /**
   * The usual value, and now and then another: most chunks are a token's, nearly all of the others differ from one in a
   * single place.
   */
  const mostly = <T>(usual: T, ...others: T[]) =>
    fc.oneof({ weight: 40, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
  const string = fc
    .oneof(
      fc.constantFrom(...hostile),
      fc.string({ unit: "grapheme", maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 8 }),
    )
    .map((text) => JSON.stringify(text));
  const made = fc.oneof(
    { weight: 20, arbitrary: string },
    fc.constantFrom("null", "7", '"\n"', '"\\x"', '"\\u00', "{}", "[]"),
  );
  /** An object as its members in order, names as often as they come. */
  type Members = [string, string][];
  const escaped = (name: string) => `\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}`;
  const object = (members: fc.Arbitrary<Members>): fc.Arbitrary<string> =>
    fc.tuple(members, mostly("", " ", "\t"), mostly("as it is", "escaped", "reversed")).map(([list, space, how]) => {
      const members = how === "reversed" ? list.toReversed() : list;
      const write = (name: string) => (how === "escaped" ? escaped(name) : name);
      const written = members.map(([name, value]) => `"${write(name)}"${space}:${space}${value}`);
      return `{${written.join(`,${space}`)}}`;
    });
  const number = fc.oneof(
    { weight: 10, arbitrary: fc.nat(40).map(String) },
    fc.constantFrom(
      "007",
      "1e3",
      "2.5",
      "-1",
      "-0",
      '"5"',
      "null",
      "900719925474099",
      "9007199254740993",
      "99999999999999999999",
    ),
  );
  const details = mostly<Members>(
    [],
    [["completion_tokens_details", "null"]],
    [["prompt_tokens_details", '{"cached_tokens":2}']],
    [["completion_tokens", "8"]],
  );
  const usage = fc.oneof(
    {
      weight: 10,
      arbitrary: object(
        fc
          .tuple(number, number, details)
          .map(([prompt, completion, more]): Members => [
            ["prompt_tokens", prompt],
            ["total_tokens", "9"],
            ["completion_tokens", completion],
            ...more,
          ]),
      ),
    },
    fc.constantFrom("null", "{}", "7", '{"completion_tokens":3}'),
  );
  const name = mostly(
    "content",
    "reasoning",
    "reasoning_content",
    "refusal",
    "audio",
    "usage",
    "finish_reason",
    "error",
  );
  const delta = fc.oneof(
    { weight: 10, arbitrary: fc.tuple(name, made).map(([member, text]): Members => [[member, text]]) },
    made.map((text): Members => [
      ["role", '"assistant"'],
      ["content", text],
    ]),
    made.map((text): Members => [
      ["content", "null"],
      ["tool_calls", `[{"index":0,"function":{"arguments":${text}}}]`],
    ]),
    fc.constant<Members>([]),
  );
  const finish = mostly("null", '"stop"', '"length"', '"abort"', "0");
  const index = mostly("0", "1", '"0"', "null");
  const logprobs = mostly("null", '{"content":[]}');
  const more = mostly<Members>(
    [],
    [["token_ids", "null"]],
    [["token_ids", "[1,22]"]],
    [["token_ids", "[1.5]"]],
    [["usage", '{"completion_tokens":5}']],
    [["finish_reason", '"stop"']],
  );
  const choice = fc.oneof(
    {
      weight: 5,
      arbitrary: object(
        fc
          .tuple(index, object(delta), logprobs, finish, more)
          .map(([at, part, odds, why, rest]): Members => [
            ["index", at],
            ["delta", part],
            ["logprobs", odds],
            ["finish_reason", why],
            ...rest,
          ]),
      ),
    },
    object(
      fc
        .tuple(index, made, logprobs, finish, more)
        .map(([at, text, odds, why, rest]): Members => [
          ["index", at],
          ["text", text],
          ["logprobs", odds],
          ["finish_reason", why],
          ["stop_reason", "null"],
          ...rest,
        ]),
    ),
  );
  const choices = fc.oneof({ weight: 20, arbitrary: choice.map((one) => [one]) }, fc.array(choice, { maxLength: 2 }));
  const tail = mostly<Members>(
    [],
    [["error", "null"]],
    [["error", '{"message":"x"}']],
    [["model", '"engine"']],
    [["object", '"error"']],
    [["prompt_token_ids", "null"]],
    [["choices", "[]"]],
  );
  const chunk = fc
    .tuple(
      choices,
      fc.option(usage, { nil: null, freq: 3 }),
      tail,
      mostly(head, head.replace("1,", "2,"), head.replace("{", "{ ")),
      mostly("}", "", "}}"),
    )
    .map(([list, used, rest, begin, end]) => {
      const behind = [...(used === null ? [] : [["usage", used]]), ...rest]
        .map(([member, value]) => `,"${member}":${value}`)
        .join("");
      return `${begin}${list.join(",")}]${behind}${end}`.replaceAll("\n", "\u0001");
    });

  test("writes, counts and ends exactly as when every chunk is parsed, however it is written or split", () => {
    const options = fc.record({ wantsUsage: fc.boolean(), wantsContinuousUsage: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 12 }),
        options,
        fc.infiniteStream(fc.integer({ min: 1, max: 300 })),
        (payloads, wish, sizes) => {
          const [fast, slow, frames] = [open(wish), open(wish), new SseDecoder()];
          const bytes = latin1(payloads.map((payload) => `data: ${payload}\n\n`).join(""));
          let turn = 0;
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value ?? 1;
            for (const payload of frames.push(bytes.slice(at, at + size))) {
              // With ever more spaces before it no payload begins as one before did, so each is parsed.
              const [one, other] = [fast.rewriter.read(payload), slow.rewriter.read(" ".repeat(++turn) + payload)];
              expect(one && JSON.parse(utf8(one))).toEqual(other && JSON.parse(utf8(other)));
              const observe = ({ meter, rewriter }: typeof fast) => [
                meter.read(),
                meter.completionSoFar,
                meter.hasContent,
                meter.isOverHold,
                meter.isCompletionUnknown,
                rewriter.hasFinished,
                rewriter.hasSentUsage,
                rewriter.responseId,
              ];
              expect(observe(fast)).toEqual(observe(slow));
            }
            at += size;
          }
          expect(turn).toBe(payloads.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
