import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { countUtf8Bytes, createCheckedSchema, parseBody } from "#edge/protocol/fields.ts";

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

test("a member that is parsed by itself is named with what stands in it", () => {
  const schema = z.object({ list: z.array(z.number()) });
  expect(parseBody(schema, { list: [1] }, "own")).toEqual({ list: [1] });
  expect(() => parseBody(schema, { list: ["x"] }, "own")).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ param: "own.list[0]" }) }),
  );
  expect(() => parseBody(schema, 3, "own")).toThrow(
    expect.objectContaining({
      details: expect.objectContaining({ param: "own", message: "'own' must be an object." }),
    }),
  );
});
