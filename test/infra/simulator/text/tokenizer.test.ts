import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  detokenize,
  Detokenizer,
  endOfText,
  imEnd,
  imStart,
  tokenBytes,
  tokenize,
  vocabularySize,
} from "#infra/simulator/text/tokenizer.ts";

const texts = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.lorem(),
  fc.stringMatching(/^[A-Za-z0-9 .,\n]{0,200}$/),
);
const readBytes = (text: string) => new TextEncoder().encode(text).length;

test("detokenize undoes tokenize, but for lone surrogates", () => {
  fc.assert(
    fc.property(texts, (text) => void expect(detokenize(tokenize(text))).toBe(text.toWellFormed())),
    { numRuns: 2_000, examples: [["Aaaaaaa"], [" AAAAAAAa"]] },
  );
});

test("a text never has more tokens than UTF-8 bytes", () => {
  fc.assert(
    fc.property(
      texts,
      (text) => void expect(tokenize(text).length).toBeLessThanOrEqual(readBytes(text.toWellFormed())),
    ),
    { numRuns: 2_000 },
  );
});

test("token bytes concatenate to the text's bytes", () => {
  fc.assert(
    fc.property(
      texts,
      (text) => void expect(Buffer.from(tokenize(text).flatMap(tokenBytes)).toString()).toBe(text.toWellFormed()),
    ),
  );
});

test("every id below the vocabulary's size is spoken, and none above", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: vocabularySize - 1 }),
      (token) => void expect(typeof detokenize([token])).toBe("string"),
    ),
  );
  for (const token of [-1, 1.5, vocabularySize]) expect(() => detokenize([token])).toThrow("out of vocabulary");
});

test("a word carries its space, a digit stands alone, and an emoji is two tokens", () => {
  expect(tokenize(" water")).toHaveLength(1);
  expect(tokenize("SELECT Water")).toHaveLength(2);
  expect(tokenize("20261121")).toHaveLength(8);
  expect(tokenize("🌊")).toHaveLength(2);
});

test("the markers of the chat template are one token each", () => {
  expect(tokenize("<|im_start|><|im_end|><|endoftext|>")).toEqual([imStart, imEnd, endOfText]);
});

test("half an emoji is held back until the other half comes", () => {
  const [head = 0, tail = 0] = tokenize("🌊");
  const decoder = new Detokenizer();
  expect([decoder.push(head), decoder.push(tail), decoder.flush()]).toEqual(["", "🌊", ""]);
  expect([decoder.push(head), decoder.flush()]).toEqual(["", "\ufffd"]);
});
