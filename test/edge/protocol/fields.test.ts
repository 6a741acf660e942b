import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { choicesMax, inputsMax, logitBiasMax, messagesMax, schemaBytesMax, stopMax } from "#edge/limits.ts";
import { ChatBody, Text2SqlBody } from "#edge/protocol/openai/chat.ts";
import { CompletionsBody, EmbeddingsBody } from "#edge/protocol/openai/completions.ts";
import { createCheckedSchema, createListSchema, parseBody, countUtf8Bytes } from "#edge/protocol/fields.ts";
import { readJson } from "#edge/protocol/body.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";
import { posted } from "#test/support/fakes/visit.ts";

const chat = { model: "m", messages: [{ role: "user", content: "hi" }] };
const completions = { model: "m", prompt: "hi" };
const embeddings = { model: "m", input: "hi" };
const shapes = {
  chat: { schema: ChatBody as z.ZodType, body: chat },
  completions: { schema: CompletionsBody as z.ZodType, body: completions },
  embeddings: { schema: EmbeddingsBody as z.ZodType, body: embeddings },
  text2sql: { schema: Text2SqlBody as z.ZodType, body: chat },
};

const times = <T>(count: number, item: T): T[] => Array<T>(count).fill(item);
const bias = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, id) => [String(id), 0]));
/** An object whose JSON has exactly so many bytes, half of them in letters of two. */
function sized(bytes: number, empty: Record<string, unknown>): Record<string, unknown> {
  const room = bytes - countUtf8Bytes(JSON.stringify({ ...empty, pad: "" }));
  return { ...empty, pad: "é".repeat(room >> 1) + "x".repeat(room % 2) };
}

/** Hostile numbers (Q7): for a whole number none of them is one. */
const notWhole = ["1e3", "1", "", 1.5, 2 ** 53, -(2 ** 53), true, {}, [], [1], "١"];
const notNumber = ["1e3", "0.5", "", true, {}, [], [1], "NaN"];
const notBoolean = [0, 1, "true", "", {}, []];
const notText = [0, 1, true, {}, []];

/** Each field with what lies inside its bounds and what does not. */
const sampling: [string, unknown[], unknown[]][] = [
  ["model", ["m", "x".repeat(256)], ["", "x".repeat(257), null, ...notText]],
  ["n", [1, choicesMax], [0, -0, -1, choicesMax + 1, ...notWhole]],
  ["max_tokens", [1, 2 ** 53 - 1], [0, -0, -1, ...notWhole]],
  ["stream", [true, false], notBoolean],
  ["temperature", [0, -0, 0.7, 2], [-0.001, 2.001, ...notNumber]],
  ["top_p", [0.001, 1], [0, -0, -1, 1.001, ...notNumber]],
  ["top_k", [-1, 0, 50], [-2, ...notWhole]],
  ["min_p", [0, 0.5, 1], [-0.001, 1.001, ...notNumber]],
  ["repetition_penalty", [0.001, 1, 10], [0, -1, 10.001, ...notNumber]],
  ["presence_penalty", [-2, 0, 2], [-2.001, 2.001, ...notNumber]],
  ["frequency_penalty", [-2, 0, 2], [-2.001, 2.001, ...notNumber]],
  ["seed", [0, -1, 42, 2 ** 53 - 1], notWhole],
  ["stop", ["x", [], ["x"], times(stopMax, "x")], [times(stopMax + 1, "x"), 1, true, {}, [1], ["x", null], ["x", ""]]],
  [
    "logit_bias",
    [{}, { "15": -100 }, { "15": 100 }, bias(logitBiasMax)],
    [
      bias(logitBiasMax + 1),
      { "15": 100.1 },
      { "15": -100.1 },
      { "15": "1" },
      { x: 1 },
      { "-1": 1 },
      { "1e3": 1 },
      { "": 1 },
      { "1234567890": 1 },
      [],
      "x",
    ],
  ],
  [
    "response_format",
    [{ type: "text" }, { type: "json_object" }, sized(schemaBytesMax, { type: "json_schema" })],
    [{}, { type: "xml" }, sized(schemaBytesMax + 1, { type: "json_schema" }), "json", []],
  ],
  ["structured_outputs", [{}, { regex: "a+" }, sized(schemaBytesMax, {})], [sized(schemaBytesMax + 1, {}), "a+", 1]],
  ["user", ["", "x".repeat(512)], ["x".repeat(513), ...notText]],
];
const tool = { type: "function", function: { name: "f" } };
const own: { [shape in keyof typeof shapes]: [string, unknown[], unknown[]][] } = {
  chat: [
    ...sampling,
    [
      "messages",
      [times(messagesMax, chat.messages[0])],
      [[], times(messagesMax + 1, chat.messages[0]), null, "hi", {}, [1], [null], [[]]],
    ],
    ["max_completion_tokens", [1, 2 ** 53 - 1], [0, -1, ...notWhole]],
    ["logprobs", [true, false], notBoolean],
    ["top_logprobs", [0, 20], [-1, 21, ...notWhole]],
    ["tools", [[], [tool], times(512, tool)], [times(513, tool), [{}], [1], {}, "x"]],
    ["tool_choice", ["none", "auto", "required", { type: "function", function: { name: "f" } }], ["any", {}, 1, []]],
  ],
  completions: [
    ...sampling.filter(([name]) => name !== "max_tokens"),
    ["max_tokens", [0, 1, 2 ** 53 - 1], [-1, ...notWhole]],
    [
      "prompt",
      ["x", ["a", "b"], times(inputsMax, "x"), [0, 10_000_000], [[1], [2, 3]], times(inputsMax, [1])],
      [
        "",
        [],
        [""],
        ["x", ""],
        times(inputsMax + 1, "x"),
        times(inputsMax + 1, [1]),
        [[]],
        [[1], []],
        [1, "a"],
        ["a", 1],
        [-1],
        [1.5],
        [10_000_001],
        [[1, -1]],
        ["1e3", 1],
        null,
        5,
        {},
        true,
      ],
    ],
    ["echo", [true, false], notBoolean],
    ["logprobs", [0, 20], [-1, 21, ...notWhole]],
  ],
  embeddings: [
    ["model", ["m"], ["", "x".repeat(257), null, 1]],
    [
      "input",
      ["x", ["a"], [1], [[1]], times(inputsMax, "x")],
      ["", [], ["a", ""], times(inputsMax + 1, "x"), [[]], [-1], null, 5],
    ],
    ["encoding_format", ["float", "base64"], ["int8", "", 1]],
    ["dimensions", [1, 65_536], [0, 65_537, ...notWhole]],
    ["user", ["x".repeat(512)], ["x".repeat(513), 1]],
  ],
  text2sql: [["model", ["m"], ["", "x".repeat(257), 1]]],
};

for (const [shape, fields] of Object.entries(own) as [keyof typeof shapes, [string, unknown[], unknown[]][]][]) {
  const { schema, body } = shapes[shape];
  describe(`a ${shape} body`, () => {
    for (const [name, inside, outside] of fields) {
      test(`takes '${name}' inside its bounds and refuses it outside, naming it`, async () => {
        for (const value of inside)
          expect(parseBody(schema, { ...body, [name]: value }), String(value).slice(0, 40)).toMatchObject({
            [name]: value,
          });
        for (const value of outside) {
          const refusal = await refusedBy(() => parseBody(schema, { ...body, [name]: value }));
          expect(refusal.code).toBe("invalid_value");
          expect(refusal.details.param, JSON.stringify(value)?.slice(0, 60)).toMatch(new RegExp(`^${name}($|[.[])`));
        }
      });
    }

    test("is an object", async () => {
      for (const none of [null, 1, "x", [], [body], true]) {
        const refusal = await expectRefusal(() => parseBody(schema, none), "invalid_value");
        expect(refusal.details.param).toBeUndefined();
      }
    });

    test("passes members that it does not know, as they came", () => {
      expect(parseBody(schema, { ...body, brand_new_field: { deep: [1, null] } })).toMatchObject({
        brand_new_field: { deep: [1, null] },
      });
    });

    test("is not steered by a member called __proto__", () => {
      const hostile: unknown = JSON.parse(
        `${JSON.stringify(body).slice(0, -1)},"__proto__":{"n":-5,"max_tokens":"1e3","stream":true,"dimensions":-1}}`,
      );
      const parsed = Object(parseBody(schema, hostile));
      for (const name of ["n", "max_tokens", "stream", "dimensions"]) expect(parsed[name]).toBeUndefined();
    });

    const nullable = fields
      .map(([name]) => name)
      .filter((name) => !["model", "messages", "prompt", "input"].includes(name));
    test("takes null as absent, as official SDKs send it", () => {
      for (const name of shape === "text2sql" ? ["model"] : nullable)
        expect(() => parseBody(schema, { ...body, [name]: null }), name).not.toThrow();
    });
  });
}

describe("the field at fault is named by its path", () => {
  const paths: [keyof typeof shapes, Record<string, unknown>, string][] = [
    ["chat", { messages: [{ role: "boss", content: "x" }] }, "messages[0].role"],
    ["chat", { messages: [{ content: "x" }] }, "messages[0].role"],
    ["chat", { messages: [chat.messages[0], { role: "user", content: 5 }] }, "messages[1].content"],
    [
      "chat",
      { messages: [{ role: "user", content: [{ type: "text", text: "" }, { text: "x" }] }] },
      "messages[0].content[1].type",
    ],
    ["chat", { messages: [{ role: "user", content: [{ type: "text" }] }] }, "messages[0].content[0].text"],
    [
      "chat",
      { messages: [{ role: "user", content: [{ type: "input_text", text: 7 }] }] },
      "messages[0].content[0].text",
    ],
    ["chat", { messages: [{ role: "user", content: [{ type: "refusal" }] }] }, "messages[0].content[0].refusal"],
    ["chat", { stop: ["a", ""] }, "stop[1]"],
    ["completions", { prompt: [""] }, "prompt[0]"],
    ["completions", { prompt: ["a", ""] }, "prompt[1]"],
    ["completions", { prompt: [[1], []] }, "prompt[1]"],
    ["embeddings", { input: ["a", ""] }, "input[1]"],
    ["chat", { messages: [{ role: "user", content: ["x"] }] }, "messages[0].content[0]"],
    ["chat", { stop: ["a", 1] }, "stop[1]"],
    ["chat", { stop: times(stopMax + 1, "x") }, "stop"],
    ["chat", { logit_bias: { "7": 101 } }, "logit_bias.7"],
    ["chat", { stream_options: { include_usage: "yes" } }, "stream_options.include_usage"],
    ["chat", { response_format: { type: "xml" } }, "response_format.type"],
    ["chat", { tools: [tool, {}] }, "tools[1].type"],
    ["chat", { tool_choice: { function: {} } }, "tool_choice.type"],
    ["completions", { prompt: [[1], [2, -1]] }, "prompt[1][1]"],
    ["completions", { prompt: [1, 1.5] }, "prompt[1]"],
    ["embeddings", { input: [[]] }, "input[0]"],
  ];
  for (const [shape, over, param] of paths) {
    test(`${JSON.stringify(over).slice(0, 70)} -> ${param}`, async () => {
      const refusal = await expectRefusal(
        () => parseBody(shapes[shape].schema, { ...shapes[shape].body, ...over }),
        "invalid_value",
        param,
      );
      expect(refusal.details.message).toContain(param);
    });
  }

  test("no value of the caller's is repeated to them, and of a member's name no more than fits a line", async () => {
    const canary = "CANARY-".repeat(2_000);
    for (const over of [
      { temperature: canary },
      { messages: [{ role: canary }] },
      { stop: [[canary]] },
      { response_format: { type: canary } },
      { user: canary },
    ]) {
      const { details } = await refusedBy(() => parseBody(ChatBody, { ...chat, ...over }));
      expect(JSON.stringify([details.message, details.param])).not.toContain("CANARY");
    }
    const { details } = await refusedBy(() => parseBody(ChatBody, { ...chat, logit_bias: { [canary]: 1 } }));
    expect(details.param?.length).toBeLessThan(200);
    expect(details.message?.length).toBeLessThan(400);
  });
});

test("of a member's name in a path only letters, digits, '_' and '-' are repeated, 64 at most", async () => {
  const table: [string, string][] = [
    ["<script>", "logit_bias.?script?"],
    ["a b\r\nx: y", "logit_bias.a?b??x??y"],
    ["__proto__x", "logit_bias.__proto__x"],
    ["ключ", "logit_bias.????"],
    ["k".repeat(65), `logit_bias.${"k".repeat(64)}`],
  ];
  for (const [name, param] of table)
    await expectRefusal(() => parseBody(ChatBody, { ...chat, logit_bias: { [name]: 1 } }), "invalid_value", param);
});

describe("lists and values that are read by hand", () => {
  const seen: unknown[] = [];
  const item = z.custom<number>().refine((value) => {
    seen.push(value);
    return typeof value === "number";
  });
  const parsed = (value: unknown) => {
    seen.length = 0;
    const result = createListSchema(item, 3, 1).safeParse(value);
    return result.success ? result.data : result.error.issues.map(({ path, message }) => [path.join("."), message]);
  };

  test("a list is read up to its first fault, and only that one is reported", () => {
    expect(parsed([1, 2, 3])).toEqual([1, 2, 3]);
    expect(parsed([1, "x", "y"])).toEqual([["1", expect.any(String)]]);
    expect(seen).toEqual([1, "x"]);
  });

  test("a list too long, too short or none at all is not read", () => {
    for (const [value, message] of [
      [[1, 2, 3, 4], "must have at most 3 items"],
      [[], "must not be empty"],
      ["ab", "must be a list"],
      [{ length: 2 }, "must be a list"],
    ] as const) {
      expect(parsed(value)).toEqual([["", message]]);
      expect(seen).toEqual([]);
    }
  });

  test("a checked value reports its fault where it lies, or is taken as it came", () => {
    const even = createCheckedSchema<number>((value) =>
      Number(value) % 2 === 0 ? null : { path: ["of", 1], message: "must be even" },
    );
    expect(even.parse(4)).toBe(4);
    expect(() => parseBody(z.object({ number: even }), { number: 5 })).toThrow(
      expect.objectContaining({
        details: { param: "number.of[1]", message: "'number.of[1]' must be even." },
      }),
    );
  });
});

describe("a hostile body of 4 MiB is refused in a fraction of a second (S12)", () => {
  const many = (item: string) =>
    `[${Array(Math.floor(4_190_000 / (item.length + 1)))
      .fill(item)
      .join()}]`;
  const hostile: [keyof typeof shapes, string, string][] = [
    ["chat", "messages", many("1")],
    ["chat", "messages", `[{"role":"user","content":${many("1")}}]`],
    ["chat", "messages", `[{"role":"user","content":${many("{}")}}]`],
    ["chat", "stop", many("1")],
    ["chat", "tools", many("1")],
    ["chat", "logit_bias", `{${Array.from({ length: 340_000 }, (_, id) => `"x${id}":0`).join()}}`],
    ["completions", "prompt", many("-1")],
    ["completions", "prompt", many("[]")],
    ["completions", "prompt", many("true")],
    ["completions", "prompt", `[${many("-1")}]`],
    ["embeddings", "input", many("null")],
  ];
  for (const [shape, name, text] of hostile) {
    test(`${shape}: '${name}' = ${text.slice(0, 40)}…`, async () => {
      const { [name as "model"]: _, ...rest } = shapes[shape].body;
      const request = posted(`${JSON.stringify(rest).slice(0, -1)},"${name}":${text}}`);
      // In time of the processor, since the machine may be busy otherwise.
      const cpuMs = () => (process.cpuUsage().user + process.cpuUsage().system) / 1_000;
      const start = cpuMs();
      let read = start;
      const whole = async () => {
        const { json } = await readJson(request);
        read = cpuMs();
        parseBody(shapes[shape].schema, json);
      };
      await expectRefusal(whole, "invalid_value");
      const end = cpuMs();
      // What is refused unparsed is quick altogether; otherwise JavaScript's own parser comes on top of ours.
      expect(end - read).toBeLessThan(300);
      expect(end - start).toBeLessThan(1_500);
    });
  }
});

test("UTF-8 length is what TextEncoder counts, for any string, lone surrogates too", () => {
  const encoder = new TextEncoder();
  const unit = fc.oneof(
    fc.integer({ min: 0xd7fe, max: 0xe001 }),
    fc.integer({ min: 0, max: 0xffff }),
    fc.constantFrom(0x7f, 0x80, 0x7ff, 0x800, 0xd83d, 0xde00),
  );
  fc.assert(
    fc.property(fc.array(unit), (units) => {
      const text = String.fromCharCode(...units);
      expect(countUtf8Bytes(text)).toBe(encoder.encode(text).length);
    }),
    { numRuns: 2_000 },
  );
});
