import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanJson } from "#edge/agreements/exact-json.ts";
import { bodyBytesMax, bodyDepthMax, bodyMembersMax, bodyMembersMaxAll, discardedBytesMax } from "#edge/limits.ts";
import { readBytes, readJson } from "#edge/protocol/body.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, streamed } from "#test/support/fakes/visit.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const raw = (bytes: Uint8Array<ArrayBuffer>) => new Request("http://edge/", { method: "POST", body: bytes });

describe("size", () => {
  test("a declared length above 4 MiB is refused; the body is drained, so that the refusal can be read", async () => {
    const request = posted("{}", { "content-length": String(bodyBytesMax + 1) });
    const refusal = await expectRefusal(() => readJson(request), "request_too_large");
    expect(refusal.status).toBe(413);
    expect(request.bodyUsed).toBe(true);
  });

  test("an undeclared body is counted while it streams, and abandoned at 16 MiB", async () => {
    let pulled = 0;
    function* endless() {
      for (;;) {
        pulled++;
        yield new Uint8Array(64 * 1024).fill(32);
      }
    }
    await expectRefusal(() => readJson(streamed(endless())), "request_too_large");
    expect(pulled).toBeLessThanOrEqual(discardedBytesMax / (64 * 1024) + 4);
  });

  test("exactly 4 MiB pass, streamed in uneven chunks, in their order; one byte more does not", async () => {
    const bytes = Uint8Array.from({ length: bodyBytesMax }, (_, at) => at % 251);
    const chunks = (all: Uint8Array) => [
      all.subarray(0, 1),
      all.subarray(1, 70_000),
      new Uint8Array(),
      all.subarray(70_000),
    ];
    const read = await readBytes(streamed(chunks(bytes)), bodyBytesMax);
    expect(Buffer.compare(read, bytes)).toBe(0);
    await expectRefusal(
      () => readBytes(streamed(chunks(new Uint8Array(bodyBytesMax + 1))), bodyBytesMax),
      "request_too_large",
    );
  });

  test("a body longer than its declared length is refused as well, should the HTTP layer let it through", async () => {
    await expectRefusal(
      () => readBytes(streamed([new Uint8Array(2_000)], { "content-length": "5" }), 1_000),
      "request_too_large",
    );
  });

  test("the refusal names the bound", async () => {
    const refusal = await expectRefusal(() => readBytes(streamed([new Uint8Array(11)]), 10), "request_too_large");
    expect(refusal.details.message).toContain("10 bytes");
  });

  test("a request without a body reads as nothing", async () => {
    expect(await readBytes(new Request("http://edge/", { method: "POST" }), 10)).toEqual(new Uint8Array());
  });
});

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
      expect(scanJson(bytesOf(JSON.stringify(json)), 65).depth).toBe(depth);
    }
    expect(scanJson(bytesOf("[[[[]]]]"), 2).depth).toBe(2);
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
      expect(scanJson(bytesOf(text), 65).depth, text).toBe(depth);
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
      fc.property(
        jsonText,
        (text) => void expect(scanJson(bytesOf(text), 1_000).depth).toBe(depthIn(JSON.parse(text))),
      ),
      { numRuns: 1_000 },
    );
  });

  test("bytes that are not JSON get some answer at once, and the parser refuses them", async () => {
    for (const text of ['"', '["[', '"\\', "]]]]", "}{", '[""""]'])
      expect(scanJson(bytesOf(text), 65).depth).toBeLessThanOrEqual(65);
    const quotes = `["${'\\"'.repeat(bodyBytesMax / 2 - 4)}`;
    const start = performance.now();
    await expectRefusal(() => readJson(posted(quotes)), "invalid_json");
    await expectRefusal(() => readJson(posted(`["${"\\".repeat(bodyBytesMax - 8)}`)), "invalid_json");
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  const hostile: [string, string, string][] = [
    ["4 MiB of '['", "[".repeat(bodyBytesMax), "invalid_value"],
    ["2 MiB of '[' closed by as many ']'", nested(bodyBytesMax / 2), "invalid_value"],
    ["700,000 objects in one another", objects(bodyBytesMax / 6 - 1), "invalid_value"],
    ["4 MiB of '{\"a\":' unclosed", '{"a":'.repeat(800_000), "invalid_value"],
  ];
  for (const [name, text, code] of hostile) {
    test(`${name} are refused fast`, async () => {
      const request = posted(text);
      const start = performance.now();
      const refusal = await expectRefusal(() => readJson(request), code as "invalid_json");
      expect(refusal.status).toBe(400);
      expect(performance.now() - start).toBeLessThan(1_000);
    });
  }
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
    // The body itself, its member `all` and what stands there.
    const own = 3;
    const lists = (count: number) => Array.from({ length: count }, () => []);
    const objects = (count: number) => Array.from({ length: count }, () => ({}));
    for (const more of [lists, objects, members]) {
      await readJson(posted({ all: more(bodyMembersMaxAll - own) }));
      const refusal = await expectRefusal(
        () => readJson(posted({ all: more(bodyMembersMaxAll - own + 1) })),
        "invalid_value",
      );
      expect(refusal.details.message).toContain(String(bodyMembersMaxAll));
    }
    await readJson(posted({ all: ':"[{'.repeat(bodyMembersMaxAll), list: Array(bodyMembersMaxAll).fill(0) }));
  });
});
