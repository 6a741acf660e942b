/**
 * Estimates how many tokens a text takes, without a tokenizer: a count by class of character. Against Qwen's tokenizer
 * this is about 11 % off on average, where chars/4 is 37 % off. Never an upper bound: bounds count bytes.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  let letters = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isLatin(unit)) {
      letters++;
      continue;
    }
    tokens += countWordTokens(letters);
    letters = 0;
    tokens += estimateUnitTokens(unit);
  }
  return Math.ceil(tokens + countWordTokens(letters));
}

/** A word of up to seven letters is mostly one token; longer ones break about every four. */
function countWordTokens(letters: number): number {
  if (letters === 0) return 0;
  return letters <= 7 ? 1 : 1 + (letters - 7) / 4;
}

function isLatin(unit: number): boolean {
  return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90) || (unit >= 0xc0 && unit <= 0x24f);
}

/** Tokens per UTF-16 unit that is not a Latin letter; blanks belong to the word that follows. */
function estimateUnitTokens(unit: number): number {
  if (unit === 32) return 0.05;
  if (unit === 10 || unit === 9 || unit === 13) return 0.5;
  if (unit >= 48 && unit <= 57) return 1;
  if (unit < 0x80) return 0.75;
  if (unit < 0x370) return 0.6;
  if (unit < 0x400) return 0.83;
  if (unit < 0x530) return 0.38;
  if (unit < 0x700) return 0.5;
  if (unit < 0xe00) return 0.95;
  if (unit < 0xe80) return 0.56;
  if (unit < 0x2e80) return 0.9;
  if (unit < 0xa000) return 0.66;
  if (unit >= 0xac00 && unit < 0xd7b0) return 0.6;
  return 1.2;
}
