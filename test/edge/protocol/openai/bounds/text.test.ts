import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NormalForm } from "#edge/agreements/records/model.ts";
import { boundText, marksPerPrompt, measureCharacter } from "#edge/protocol/openai/bounds/text.ts";
import { hostileText, sampleHostileTexts } from "#test/support/bounds/hostile-texts.ts";
import {
  countedTexts,
  createCounter,
  digestTexts,
  families,
  familyNames,
  folder,
  type Family,
} from "#test/support/bounds/tokenizers.ts";

const bytes = (text: string) => Buffer.byteLength(text);
const page = 256;
/** `BOUND_TEXTS=1000000` takes some minutes; a failure names its seed. */
const textsMax = Number(process.env["BOUND_TEXTS"] ?? 10_000);
const seed = Number(process.env["BOUND_SEED"] ?? Date.now() % 2 ** 31);

describe("a character's weight", () => {
  for (const form of NormalForm.options) {
    test(`covers its bytes in ${form} and apart, unless it is Hangul, for all of Unicode`, () => {
      const parts = form === "NFC" ? "NFD" : "NFKD";
      const light: string[] = [];
      const grown: string[] = [];
      for (let first = 0; first <= 0x10ffff; first += page) {
        const characters = Array.from({ length: page }, (_, at) => String.fromCodePoint(first + at));
        const lines = characters.join("\n");
        const isPlain = lines.normalize(parts) === lines;
        for (const character of characters) {
          const weight = measureCharacter(character.codePointAt(0) ?? 0, form);
          const isHangul = /[가-힣]/.test(character);
          const apart = isPlain || isHangul ? 0 : bytes(character.normalize(parts));
          const composed = isPlain ? 0 : bytes(character.normalize(form));
          if (weight < Math.max(bytes(character), composed, apart)) light.push(character);
          // What is said of the sum stands on this: composing never takes more bytes than the parts.
          if (!isHangul && composed > apart) grown.push(character);
        }
      }
      expect([light, grown]).toEqual([[], []]);
    });
  }

  test("is what the longest known characters need", () => {
    const table: [string, number, number][] = [
      ["a", 1, 1],
      ["é", 3, 3],
      ["字", 3, 3],
      ["한", 3, 3],
      ["\u0f78", 6, 6],
      ["\ufb2c", 6, 6],
      ["\u{1d160}", 12, 12],
      ["\ufdfa", 3, 33],
      ["\ud800", 3, 3],
      ["😀", 4, 4],
    ];
    for (const [text, nfc, nfkc] of table)
      expect([text, boundText(text, "NFC"), boundText(text, "NFKC")]).toEqual([text, nfc, nfkc]);
  });
});

describe("the bound of a text", () => {
  test("of ASCII is its length", () => {
    fc.assert(fc.property(fc.string({ unit: "binary-ascii" }), (text) => boundText(text, "NFKC") === text.length));
  });

  test("adds up, so that neither a template's joints nor a tokenizer's cuts go beyond it", () => {
    // Apart they are 4 bytes, together 5; and the end of a line, escaped in JSON, would compose with what follows.
    expect(bytes("á".normalize("NFC")) + bytes("\u0323".normalize("NFC"))).toBeLessThan(
      bytes("á\u0323".normalize("NFC")),
    );
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 4 }), fc.constantFrom(...NormalForm.options), (texts, form) => {
        const whole = texts.map((text) => text.toWellFormed());
        const bound = whole.reduce((sum, text) => sum + boundText(text, form), 0);
        expect(bound).toBe(boundText(whole.join(""), form));
        expect(bound).toBeGreaterThanOrEqual(bytes(whole.join("").normalize(form)));
        expect(bound).toBeGreaterThanOrEqual(bytes(whole.join("")));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("tokenizers", () => {
  test("in JavaScript count as Python's do, text by text", () => {
    const texts = sampleHostileTexts(countedTexts.count, countedTexts.seed);
    const known: { sha256: string; counts: Record<Family, number[]> } = JSON.parse(
      readFileSync(`${folder}/counts.json`, "utf8"),
    );
    const wellFormed = texts.map((text) => text.toWellFormed());
    expect(digestTexts(wellFormed), "other texts: run infra/checks/tokenizers/count.ts").toBe(known.sha256);
    // All of them where there is time.
    const step = textsMax > 10_000 ? 1 : 5;
    for (const family of familyNames) {
      const count = createCounter(family);
      const others = texts.filter((text, at) => at % step === 0 && count(text) !== known.counts[family][at]);
      expect([family, others]).toEqual([family, []]);
    }
  });

  for (const family of familyNames) {
    test(`of the family '${family}' never count more than the bound (M2)`, () => {
      const count = createCounter(family);
      const form = families[family];
      const chunk = 10_000;
      for (let done = 0; done < textsMax; done += chunk) {
        const texts = sampleHostileTexts(Math.min(chunk, textsMax - done), seed + done);
        const above = texts.filter((text) => count(text) > boundText(text, form) + marksPerPrompt);
        expect({ seed: seed + done, above }).toEqual({ seed: seed + done, above: [] });
      }
    });
  }

  test("count more than the bytes that were sent, and the bound knows", () => {
    const above: [Family, string][] = [
      ["byte-level", "\u0f78".repeat(3_000)],
      ["byte-level", "\ufb2c".repeat(3_000)],
      ["byte-level", "\u{1d160}".repeat(2_000)],
      ["unigram", "\ufdfa".repeat(1_000)],
    ];
    for (const [family, text] of above) {
      const counted = createCounter(family)(text);
      expect(counted).toBeGreaterThan(bytes(text) + 2);
      expect(counted).toBeLessThanOrEqual(boundText(text, families[family]) + marksPerPrompt);
    }
    // A mark at either end and a blank before the word: no bytes at all.
    expect(createCounter("unigram")("q")).toBeLessThanOrEqual(boundText("q", "NFKC") + marksPerPrompt);
  });
});
