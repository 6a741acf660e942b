import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { numberCharsMax, scanJson, type JsonBounds } from "#edge/agreements/exact-json.ts";
import {
  bodyBytesMax,
  bodyDepthMax,
  bodyFractionsMax,
  bodyItemsMaxAll,
  bodyMembersMax,
  bodyMembersMaxAll,
  promptIdsMax,
} from "#edge/limits.ts";
import * as body from "#edge/protocol/body.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted } from "#test/support/fakes/visit.ts";

const sender = { org: "org_0000000001", key: "key_000001" };
const readJson = (request: Request) => body.readJson(request, sender);
const depthOf = (text: string, depth: number): number => {
  const all = Number.POSITIVE_INFINITY;
  const bounds: JsonBounds = { depth, outermost: all, members: all, items: all, fractions: all, digits: all };
  return scanJson(bytesOf(text), bounds).depth;
};
const bytesOf = (text: string) => new TextEncoder().encode(text);
const raw = (bytes: Uint8Array<ArrayBuffer>) => new Request("http://edge/", { method: "POST", body: bytes });

describe("encodings", () => {
  for (const encoding of [
    "gzip",
    "br",
    "deflate",
    "zstd",
    "GZIP",
    "gzip, identity",
    "identity, gzip",
    "x-none",
    "*",
    "identity identity",
  ]) {
    test(`Content-Encoding '${encoding}' is 415`, async () => {
      const refusal = await expectRefusal(
        () => readJson(posted("{}", { "content-encoding": encoding })),
        "unsupported_content_encoding",
      );
      expect(refusal.status).toBe(415);
    });
  }

  for (const encoding of ["identity", "IDENTITY", " identity "]) {
    test(`Content-Encoding '${encoding}' is none`, async () =>
      expect((await readJson(posted("{}", { "content-encoding": encoding }))).json).toEqual({}));
  }
});

describe("JSON", () => {
  const malformed = [
    "",
    " ",
    "{",
    "[",
    "{]",
    "{'a':1}",
    "{a:1}",
    '{"a":1,}',
    '{"a":1}x',
    "NaN",
    "Infinity",
    "-",
    "01",
    "1e",
    "undefined",
    '"\n"',
    '{"a":0x10}',
    "{} {}",
    "// x\n{}",
    '{"a":.5}',
    '{"n":１}',
    "\u0000",
    "<html>",
    "model=x&prompt=y",
  ];
  for (const text of malformed) {
    test(`${JSON.stringify(text)} is not JSON`, async () => {
      const refusal = await expectRefusal(() => readJson(posted(text)), "invalid_json");
      expect(refusal.details.message).toBeUndefined();
    });
  }

  const notUtf8: [string, number[]][] = [
    ["a stray continuation byte", [0x22, 0x80, 0x22]],
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a code point past U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["a cut sequence", [0x22, 0xe2, 0x82, 0x22]],
    ["UTF-16", [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
    ["Latin-1", [0x22, 0xe9, 0x22]],
  ];
  for (const [name, bytes] of notUtf8)
    test(`${name} is refused`, async () =>
      void (await expectRefusal(() => readJson(raw(Uint8Array.from(bytes))), "invalid_json")));

  test("one byte order mark at the front is passed over; a second one, or one inside, is not", async () => {
    expect((await readJson(posted('\ufeff{"a":1}'))).json).toEqual({ a: 1 });
    await expectRefusal(() => readJson(posted("\ufeff\ufeff{}")), "invalid_json");
    await expectRefusal(() => readJson(posted('{\ufeff"a":1}')), "invalid_json");
  });

  test("an escaped lone surrogate is text; written anew it is still JSON in ASCII", async () => {
    const { json } = await readJson(posted('{"a":"\\ud800"}'));
    expect(JSON.stringify(json)).toBe('{"a":"\\ud800"}');
  });

  test("of a member that stands twice the last counts, and only it is written for the origin", async () => {
    const { json } = await readJson(posted('{"n":1,"n":2,"\\u006e":3}'));
    expect(JSON.stringify(json)).toBe('{"n":3}');
  });

  test("a member called __proto__ is a member and changes no prototype", async () => {
    const { json } = await readJson(posted('{"__proto__":{"isAdmin":true}}'));
    expect(Object.keys(json as object)).toEqual(["__proto__"]);
    expect("isAdmin" in Object(json)).toBe(false);
  });

  test("what is returned are the very bytes that were sent", async () => {
    const text = ' {"a" : "é"}\r\n';
    expect((await readJson(posted(text))).bytes).toEqual(bytesOf(text));
  });

  test("any JSON value within the depth is read as JSON.parse reads it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6, stringUnit: "binary" }), async (text) => {
        expect((await readJson(posted(text))).json).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("depth", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

  for (const shape of [nested, objects]) {
    test(`${shape(1)} nested ${bodyDepthMax} deep passes; one deeper is refused`, async () => {
      await readJson(posted(shape(bodyDepthMax)));
      const refusal = await expectRefusal(() => readJson(posted(shape(bodyDepthMax + 1))), "invalid_value");
      expect(refusal.details.message).toContain(String(bodyDepthMax));
    });
  }

  test("depth counts along the deepest branch, and scalars are 0", () => {
    for (const [json, depth] of [
      [1, 0],
      [null, 0],
      ["[[", 0],
      [[], 1],
      [{}, 1],
      [[[], { a: [1] }, 2], 3],
      [{ a: {}, b: [[[]]] }, 4],
    ] as const) {
      expect(depthOf(JSON.stringify(json), 65)).toBe(depth);
    }
    expect(depthOf("[[[[]]]]", 2)).toBe(2);
  });

  test("brackets inside strings are no depth, however the quotes around them are escaped", () => {
    const table: [string, number][] = [
      ['"[[[["', 0],
      ['["]]"]', 1],
      ['{"[{":"}]"}', 1],
      ['["\\"[[[", []]', 2],
      ['["\\\\", [[]]]', 3],
      ['["\\\\\\"[[", []]', 2],
      ['["字[", "\u{1f9d1}[[", []]', 2],
    ];
    for (const [text, depth] of table) {
      JSON.parse(text);
      expect(depthOf(text, 65), text).toBe(depth);
    }
  });

  test("read from the bytes it is the depth of the value, for any JSON", () => {
    const depthIn = (value: unknown): number =>
      typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthIn)) : 0;
    const jsonText = fc.oneof(
      fc.json({ maxDepth: 8, stringUnit: "binary" }),
      fc.json({ stringUnit: fc.constantFrom("[", "]", "{", "}", '"', "\\", "a") }),
    );
    fc.assert(
      fc.property(jsonText, (text) => void expect(depthOf(text, 1_000)).toBe(depthIn(JSON.parse(text)))),
      { numRuns: 1_000 },
    );
  });

  test("bytes that are not JSON get some answer at once, and the parser refuses them", () => {
    for (const text of ['"', '["[', '"\\', "]]]]", "}{", '[""""]']) expect(depthOf(text, 65)).toBeLessThanOrEqual(65);
  });
});

describe("members", () => {
  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, 0]));

  test(`a body has at most ${bodyMembersMax}, a list in its place as many items; one more is refused`, async () => {
    await readJson(posted(members(bodyMembersMax)));
    for (const body of [members(bodyMembersMax + 1), Array(bodyMembersMax + 1).fill(0)]) {
      const refusal = await expectRefusal(() => readJson(posted(body)), "invalid_value");
      expect(refusal.details.message).toContain(String(bodyMembersMax));
    }
  });

  test(`a body has at most ${bodyMembersMaxAll} in all; one more is refused unparsed; text has none`, async () => {
    // The body itself, its member `all` by name and colon, and what stands there.
    const own = 4;
    const lists = (count: number) => Array.from({ length: count }, () => []);
    const objects = (count: number) => Array.from({ length: count }, () => ({}));
    const strings = (count: number) => Array.from({ length: count }, () => "");
    const pairs = (count: number) => members(count / 2);
    for (const more of [lists, objects, strings, pairs]) {
      await readJson(posted({ all: more(bodyMembersMaxAll - own) }));
      const refusal = await expectRefusal(
        () => readJson(posted({ all: more(bodyMembersMaxAll - own + 2) })),
        "invalid_value",
      );
      expect(refusal.details.message).toContain(String(bodyMembersMaxAll));
    }
    await readJson(posted({ all: ':"[{'.repeat(bodyMembersMaxAll), list: Array(promptIdsMax).fill(151_643) }));
  });

  test("numbers have bounds of their own: how many, how many that are no integers, how long", async () => {
    const most = { all: Array(bodyItemsMaxAll).fill(0), odd: [0, 0] };
    await readJson(posted(`{"all":[${Array(bodyFractionsMax).fill("1.10").join()}]}`));
    await readJson(posted({ all: most.all }));
    for (const text of [
      JSON.stringify(most),
      `{"all":[${Array(bodyFractionsMax + 1)
        .fill("-1.5")
        .join()}]}`,
      `{"all":${"1".repeat(numberCharsMax + 1)}}`,
    ])
      await expectRefusal(() => readJson(posted(text)), "invalid_value");
  });
});

describe("what is refused for its size", () => {
  const fill = (head: string, unit: string, tail = "") =>
    head + unit.repeat(Math.floor((bodyBytesMax - head.length - tail.length) / unit.length)) + tail;
  const table: [string, string][] = [
    ["quotes", fill("", '"')],
    ["empty strings", fill('{"a":["', '","', '"]}')],
    ["numbers", fill('{"a":[1', ",1", "]}")],
    ["numbers and one that keeps its digits", fill('{"a":[1', ",1", ",1.10]}")],
    ["fractions", fill('{"a":[1', ",1.10", "]}")],
    ["exponents", fill('{"a":[1', ",1e5", "]}")],
    ["numbers of 250 digits", fill('{"a":[1', `,1${"0".repeat(250)}`, "]}")],
    ["one number", fill("", "1")],
    ["minus signs", fill("", "-")],
    ["words", fill('{"a":[null', ",null", "]}")],
    ["lists", fill('{"a":[[]', ",[]", "]}")],
    ["open lists", fill("", "[")],
    ["open objects", fill("", '{"a":')],
    ["colons", fill("", ":")],
    ["commas", fill("[", ",")],
    ["members", fill('{"a":{"":1', ',"":1', "}}")],
  ];
  for (const [name, text] of table) {
    test(`by its ${name} is never given to a parser`, async () => {
      const parse = vi.spyOn(JSON, "parse");
      try {
        await expectRefusal(() => readJson(posted(text)), "invalid_value");
        expect(parse).not.toHaveBeenCalled();
      } finally {
        parse.mockRestore();
      }
    });
  }
});
