import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import type { NormalForm } from "#edge/agreements/records/model.ts";

/** The families whose tokenizers were trained for these tests (`infra/checks/tokenizers/`), and what they normalize. */
export const families = { "byte-level": "NFC", "byte-fallback": "NFC", unigram: "NFKC" } as const satisfies Record<
  string,
  NormalForm
>;
export type Family = keyof typeof families;
export const familyNames: readonly Family[] = ["byte-level", "byte-fallback", "unigram"];

export const folder = "test/fixtures/tokenizers";
/** What Python's tokenizers counted, and of which texts. */
export const countedTexts = { count: 10_000, seed: 1 };

/** Counts a text as an engine does that has this tokenizer; an engine never sees half a surrogate pair. */
export function createCounter(family: Family): (text: string) => number {
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(`${folder}/${family}.json`, "utf8")), {});
  const write = families[family] === "NFKC" ? writeAsRust : (text: string) => text;
  return (text) => tokenizer.encode(write(text.toWellFormed())).ids.length;
}

/** What JavaScript knows how to normalize and Rust's library, which has Unicode 11, does not; all are unknown to it. */
const young = /[\u32ff\ua7f1-\ua7f4\uab69\u{10781}-\u{107ba}\u{1ccd6}-\u{1ccf9}\u{1e030}-\u{1e06d}]/gu;

/** To JavaScript U+FEFF is a blank that parts words and U+0085 is none; to Rust it is the other way round. */
function writeAsRust(text: string): string {
  return text.replaceAll("\ufeff", "\ufdd0").replaceAll("\u0085", "\u2003").replace(young, "\ufdd0");
}

/** Tells whether counts were made of these very texts. */
export function digestTexts(texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex");
}
