import { describe, expect, test } from "vitest";
import type { EngineEndpoint } from "#edge/agreements/paths.ts";
import {
  badWordsMax,
  choicesMax,
  idListMax,
  inputsMax,
  logitBiasMax,
  messagesMax,
  schemaBytesMax,
  stopBytesMax,
  stopMax,
  tokenIdMax,
} from "#edge/limits.ts";
import { readJson } from "#edge/protocol/body.ts";
import { countUtf8Bytes } from "#edge/protocol/fields.ts";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { parseMembers } from "#edge/protocol/openai/members/parse.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";
import { posted } from "#test/support/fakes/visit.ts";

const chat = { model: "m", messages: [{ role: "user", content: "hi" }] };
const completions = { model: "m", prompt: "hi" };
const embeddings = { model: "m", input: "hi" };
const shapes = {
  chat: { parse: read("chat.completions"), body: chat },
  completions: { parse: read("completions"), body: completions },
  embeddings: { parse: read("embeddings"), body: embeddings },
  text2sql: { parse: read("text2sql"), body: chat },
};
function read(endpoint: EngineEndpoint) {
  return (json: unknown, ignored = new IgnoredMembers()) => parseMembers[endpoint](json, ignored);
}

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
  [
    "stop",
    ["x", ["x"], times(stopMax, "x"), "é".repeat(stopBytesMax / 2)],
    [times(stopMax + 1, "x"), 1, true, [1], ["x", null], ["x", ""], "x".repeat(stopBytesMax + 1), ["é".repeat(129)]],
  ],
  ["bad_words", [["x"], times(badWordsMax, "é".repeat(32))], ["x", times(badWordsMax + 1, "x"), ["é".repeat(33)], [1]]],
  ["stop_token_ids", [[0], times(idListMax, 1)], [times(idListMax + 1, 1), [-1], [1.5], ["1"], 1]],
  ["allowed_token_ids", [times(idListMax, 1)], [times(idListMax + 1, 1), [-1], ["1"]]],
  ["logprob_token_ids", [times(20, 1)], [times(21, 1), [-1]]],
  ["prompt_logprobs", [0, 5], [-1, 6, ...notWhole]],
  ["min_tokens", [0, 5], [-1, ...notWhole]],
  ["ignore_eos", [true, false], notBoolean],
  [
    "logit_bias",
    [{ "15": -100 }, { "15": 100 }, bias(logitBiasMax)],
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
      "x",
    ],
  ],
  [
    "response_format",
    [{ type: "text" }, { type: "json_object" }, sized(schemaBytesMax, { type: "json_schema" })],
    [{ strict: true }, { type: "xml" }, sized(schemaBytesMax + 1, { type: "json_schema" }), "json", [1]],
  ],
  [
    "structured_outputs",
    [{ regex: "a+" }, { json: {} }, { json: "{}" }, { choice: ["a"] }, { grammar: "x" }],
    [{ grammar: "x".repeat(schemaBytesMax + 1) }, { regex: "a{65}" }, { regexp: "a" }, { choice: [""] }, "a+", 1],
  ],
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
    ["tools", [[tool], times(512, tool)], [times(513, tool), [{}], [{ type: "function" }], [1], { a: 1 }, "x"]],
    [
      "tool_choice",
      ["none", "auto", "required", { type: "function", function: { name: "f" } }],
      ["any", { type: "function" }, 1, [1]],
    ],
  ],
  completions: [
    ...sampling.filter(([name]) => name !== "max_tokens"),
    ["max_tokens", [0, 1, 2 ** 53 - 1], [-1, ...notWhole]],
    [
      "prompt",
      ["x", ["a", "b"], times(inputsMax, "x"), [0, tokenIdMax], [[1], [2, 3]], times(inputsMax, [1])],
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
        [tokenIdMax + 1],
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
    ["encoding_format", ["float", "base64"], ["int8", 1]],
    ["dimensions", [1, 65_536], [0, 65_537, ...notWhole]],
    ["truncate_prompt_tokens", [-1, 1, 512], [-2, ...notWhole]],
  ],
  text2sql: [["model", ["m"], ["", "x".repeat(257), 1]]],
};

for (const [shape, fields] of Object.entries(own) as [keyof typeof shapes, [string, unknown[], unknown[]][]][]) {
  const { parse, body } = shapes[shape];
  describe(`a ${shape} body`, () => {
    for (const [name, inside, outside] of fields) {
      test(`takes '${name}' inside its bounds and refuses it outside, naming it`, async () => {
        for (const value of inside)
          expect(parse({ ...body, [name]: value }), String(value).slice(0, 40)).toMatchObject({
            [name]: value,
          });
        for (const value of outside) {
          const refusal = await refusedBy(() => parse({ ...body, [name]: value }));
          expect(refusal.code).toBe("invalid_value");
          expect(refusal.details.param, JSON.stringify(value)?.slice(0, 60)).toMatch(new RegExp(`^${name}($|[.[])`));
        }
      });
    }

    test("is an object", async () => {
      for (const none of [null, 1, "x", [], [body], true]) {
        const refusal = await expectRefusal(() => parse(none), "invalid_value");
        expect(refusal.details.param).toBeUndefined();
      }
    });

    test("leaves out what it does not know, and says so", () => {
      const ignored = new IgnoredMembers();
      const parsed = parse({ ...body, brand_new_field: { deep: [1, null] }, nothing: null, "<b>\n": 1 }, ignored);
      expect(parsed).toEqual(parse(body));
      expect(ignored.headers).toEqual({ "x-penstock-ignored": "brand_new_field,?b??" });
    });

    test("is not steered by a member called __proto__", () => {
      const hostile: unknown = JSON.parse(
        `${JSON.stringify(body).slice(0, -1)},"__proto__":{"n":-5,"max_tokens":"1e3","stream":true,"dimensions":-1}}`,
      );
      const parsed = Object(parse(hostile));
      for (const name of ["n", "max_tokens", "stream", "dimensions"]) expect(parsed[name]).toBeUndefined();
    });

    const nullable = fields
      .map(([name]) => name)
      .filter((name) => !["model", "messages", "prompt", "input"].includes(name));
    test("takes null as absent, as official SDKs send it", () => {
      for (const name of shape === "text2sql" ? ["model"] : nullable)
        expect(() => parse({ ...body, [name]: null }), name).not.toThrow();
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
    [
      "chat",
      { tools: [{ type: "function", function: { name: "f", parameters: { type: "object", pattern: "a{99}" } } }] },
      "tools[0].function.parameters.pattern",
    ],
    ["completions", { prompt: [[1], [2, -1]] }, "prompt[1][1]"],
    ["completions", { prompt: [1, 1.5] }, "prompt[1]"],
    ["embeddings", { input: [[]] }, "input[0]"],
  ];
  for (const [shape, over, param] of paths) {
    test(`${JSON.stringify(over).slice(0, 70)} -> ${param}`, async () => {
      const refusal = await expectRefusal(
        () => shapes[shape].parse({ ...shapes[shape].body, ...over }),
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
      { reasoning_effort: canary },
    ]) {
      const { details } = await refusedBy(() => shapes.chat.parse({ ...chat, ...over }));
      expect(JSON.stringify([details.message, details.param])).not.toContain("CANARY");
    }
    const { details } = await refusedBy(() => shapes.chat.parse({ ...chat, logit_bias: { [canary]: 1 } }));
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
    await expectRefusal(() => shapes.chat.parse({ ...chat, logit_bias: { [name]: 1 } }), "invalid_value", param);
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
        const { json } = await readJson(request, { org: "", key: "" });
        read = cpuMs();
        shapes[shape].parse(json);
      };
      await expectRefusal(whole, "invalid_value");
      const end = cpuMs();
      // What is refused unparsed is quick altogether; otherwise JavaScript's own parser comes on top of ours.
      expect(end - read).toBeLessThan(300);
      expect(end - start).toBeLessThan(1_500);
    });
  }
});
