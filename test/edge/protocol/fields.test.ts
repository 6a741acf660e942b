import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { Refusal } from "#edge/errors.ts";
import { countUtf8Bytes, createCheckedSchema, parseBody } from "#edge/protocol/fields.ts";

/** Finds an odd number at the second place of a list. */
function findOdd(value: unknown) {
  const list: unknown = typeof value === "object" && value !== null && "of" in value ? value.of : null;
  if (!Array.isArray(list)) return { path: [], message: "must be an object" };
  return Number(list[1]) % 2 === 0 ? null : { path: ["of", 1], message: "must be even" };
}

test("a checked value reports its fault where it lies, or is taken as it came", () => {
  const even = createCheckedSchema<{ of: unknown[] }>(findOdd);
  expect(even.parse({ of: [4, 4] })).toEqual({ of: [4, 4] });
  expect(() => parseBody(z.object({ number: even }), { number: { of: [4, 5] } })).toThrow(
    expect.objectContaining({
      details: { param: "number.of[1]", message: "'number.of[1]' must be even." },
    }),
  );
});

test("what is not there is told as missing, at any depth and whoever looks for it", () => {
  const say = (json: unknown) => {
    const even = createCheckedSchema<object>(findOdd);
    const kind = z.object({ type: z.enum(["a", "b"]), either: z.union([z.string(), z.number()]) });
    try {
      return parseBody(z.object({ number: even, kind }), json);
    } catch (refusal) {
      return refusal instanceof Refusal ? refusal.details.message : refusal;
    }
  };
  const kind = { type: "a", either: 1 };
  expect(say({ kind })).toBe("'number' is required.");
  expect(say({ number: { of: [] }, kind })).toBe("'number.of[1]' is required.");
  expect(say({ number: { of: [4, 4] } })).toBe("'kind' is required.");
  expect(say({ number: { of: [4, 4] }, kind: { either: 1 } })).toBe("'kind.type' is required.");
  expect(say({ number: { of: [4, 4] }, kind: { type: "a" } })).toBe("'kind.either' is required.");
  expect(say({ number: { of: [4, 4] }, kind: { type: null, either: 1 } })).toBe('\'kind.type\' must be "a" or "b".');
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
