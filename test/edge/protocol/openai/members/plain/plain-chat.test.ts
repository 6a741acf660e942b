import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { choicesMax, messagesMax } from "#edge/limits.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";
import { parseBody } from "#edge/protocol/fields.ts";
import { ChatBody, chatMembers } from "#edge/protocol/openai/members/chat.ts";
import { IgnoredMembers, pickMembers } from "#edge/protocol/openai/members/member.ts";
import { readPlainChat } from "#edge/protocol/openai/members/plain/plain-chat.ts";

/** What the schema makes of it: the body, and the names that were left out; or the refusal's code. */
function readBySchema(json: JsonObject): { body: ChatBody; ignored: object } | string {
  const ignored = new IgnoredMembers();
  try {
    return { body: parseBody(ChatBody, pickMembers(json, chatMembers, ignored)), ignored: ignored.headers };
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal.code;
    throw refusal;
  }
}

/** Whether the quick reading said yes; throws where it and the schema differ, be it in the order of two members. */
function agree(json: JsonObject): boolean {
  const before = JSON.stringify(json);
  const quick = readPlainChat(json);
  if (!quick) return false;
  const slow = readBySchema(json);
  expect({ body: quick, ignored: {} }).toStrictEqual(slow);
  expect(JSON.stringify(quick)).toBe(JSON.stringify(typeof slow === "string" ? slow : slow.body));
  expect(JSON.stringify(json)).toBe(before);
  return true;
}

const message = { role: "user", content: "Hallo Welt, grüß Gott 👋" };
const parse = (text: string): JsonObject => {
  const json: unknown = JSON.parse(text);
  return isObject(json) ? json : {};
};

describe("the usual bodies are read at once", () => {
  const usual: [string, JsonObject][] = [
    ["the least", { model: "m", messages: [message] }],
    ["members in another order", { max_tokens: 5, stream: false, messages: [message], model: "m" }],
    [
      "a stream with its usage",
      { model: "m", messages: [message], stream: true, stream_options: { include_usage: true } },
    ],
    [
      "a conversation",
      {
        model: "m",
        messages: [
          { role: "system", content: "s" },
          message,
          { role: "assistant", content: "a" },
          { role: "user", content: [{ type: "text", text: "t" }] },
        ],
      },
    ],
    [
      "all numbers",
      {
        model: "m",
        messages: [message],
        n: 2,
        temperature: 0.7,
        top_p: 1,
        presence_penalty: -2,
        frequency_penalty: 0.5,
        seed: -42,
        max_tokens: 1,
        max_completion_tokens: 4_096,
      },
    ],
    [
      "bounds",
      {
        model: "m".repeat(256),
        messages: Array.from({ length: messagesMax }, () => message),
        n: choicesMax,
        temperature: 2,
      },
    ],
  ];
  test.each(usual)("%s", (_name, json) => {
    expect(agree(json)).toBe(true);
  });
});

describe("what is not plain is the schema's, right or wrong", () => {
  const base = '"model":"m","messages":[{"role":"user","content":"x"}]';
  test.each([
    "{}",
    '{"model":"m"}',
    '{"messages":[{"role":"user","content":"x"}]}',
    `{${base},"user":"u"}`,
    `{${base},"tools":[]}`,
    `{${base},"temperature":null}`,
    `{${base},"temperature":"1"}`,
    `{${base},"temperature":1e999}`,
    `{${base},"temperature":2.0000000000000004}`,
    `{${base},"top_p":0}`,
    `{${base},"n":9}`,
    `{${base},"n":1.5}`,
    `{${base},"max_tokens":0}`,
    `{${base},"max_tokens":9007199254740992}`,
    `{${base},"seed":1e300}`,
    `{${base},"stream":1}`,
    `{${base},"stream":"true"}`,
    `{${base},"stream_options":{}}`,
    `{${base},"stream_options":{"include_usage":true,"x":1}}`,
    `{${base},"__proto__":{"temperature":1}}`,
    `{${base},"constructor":1}`,
    `{${base},"toString":1}`,
    `{${base},"guided_json":"x"}`,
    `{"__proto__":{"model":"m"},"messages":[{"role":"user","content":"x"}]}`,
    '{"model":"","messages":[{"role":"user","content":"x"}]}',
    '{"model":7,"messages":[{"role":"user","content":"x"}]}',
    '{"model":"m","messages":[]}',
    '{"model":"m","messages":{"0":{"role":"user","content":"x"},"length":1}}',
    '{"model":"m","messages":[null]}',
    '{"model":"m","messages":[{"content":"x"}]}',
    '{"model":"m","messages":[{"role":"User","content":"x"}]}',
    '{"model":"m","messages":[{"role":"user","content":7}]}',
  ])("%s", (text) => {
    expect(readPlainChat(parse(text))).toBeNull();
  });

  test("of two members of one name the last one counts, as the parser has it", () => {
    expect(readPlainChat(parse(`{${base},"n":9,"n":2}`))?.n).toBe(2);
    expect(readPlainChat(parse(`{${base},"n":2,"n":9}`))).toBeNull();
  });
});

/** Values near every bound of a plain member, and of no bound's kind at all. */
const numbers = [-3, -2, -1, -0, 0, 5e-324, 0.5, 1, 1.5, 2, 2.5, 8, 9, 2 ** 53 - 1, 2 ** 53, 1e300, Infinity, NaN];
const anyValue = fc.oneof(
  fc.constantFrom<unknown>(...numbers, null, undefined, "", "1", "m", true, false, [], {}, [message], "m".repeat(257)),
  fc.jsonValue(),
  fc.double(),
  fc.integer({ min: -3, max: 10 }),
);
const rightMessage = fc.record(
  { role: fc.constantFrom("system", "user", "assistant", "tool"), content: fc.string({ unit: "grapheme" }) },
  { requiredKeys: ["role"] },
);
const oddMessage = fc.dictionary(
  fc.constantFrom("role", "content", "name", "tool_calls", "__proto__", "refusal", "x"),
  fc.oneof(anyValue, fc.constantFrom("user", "function", "Tool")),
);
const names = [...Object.keys(chatMembers), "guided_json", "__proto__", "constructor", "toString", "x", "Model"];
const numberOf: [string, number, number][] = [
  ["n", 1, choicesMax],
  ["seed", -5, 5],
  ["max_tokens", 1, 100],
  ["max_completion_tokens", 1, 100],
];
const plainNumber = fc
  .constantFrom(...numberOf)
  .chain(([name, min, max]) => fc.tuple(fc.constant(name), fc.integer({ min, max })));
const anyMember = fc.tuple(fc.constantFrom(...names), anyValue);
const near = fc.constantFrom(
  "temperature",
  "top_p",
  "presence_penalty",
  "frequency_penalty",
  "n",
  "seed",
  "max_tokens",
);
const nearNumber = fc.tuple(near, fc.constantFrom<unknown>(...numbers));
const body = fc
  .record({
    model: fc.oneof({ weight: 9, arbitrary: fc.string({ minLength: 1 }) }, anyValue),
    messages: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.array(fc.oneof({ weight: 9, arbitrary: rightMessage }, oddMessage), {
          minLength: 1,
          maxLength: 3,
        }),
      },
      anyValue,
    ),
    others: fc.array(fc.oneof({ weight: 3, arbitrary: plainNumber }, nearNumber, anyMember), { maxLength: 4 }),
    isLast: fc.boolean(),
  })
  .map(({ model, messages, others, isLast }) => {
    const needed: [string, unknown][] = [
      ["model", model],
      ["messages", messages],
    ];
    // `fromEntries` defines a member called `__proto__`, as `JSON.parse` does.
    return Object.fromEntries<unknown>(isLast ? [...others, ...needed] : [...needed, ...others]);
  });

test("where the quick reading says yes, the schema says the same, to the byte of what goes on", () => {
  let yes = 0;
  let runs = 0;
  fc.assert(
    fc.property(body, (json) => {
      runs++;
      if (agree(json)) yes++;
    }),
    { numRuns: 3_000 },
  );
  expect(yes / runs).toBeGreaterThan(0.15);
  expect(yes / runs).toBeLessThan(0.85);
});
