import fc from "fast-check";

/** Where each block of Unicode begins that a tokenizer may treat in a way of its own; a text draws from one or more. */
const planes: [from: number, to: number, weight: number][] = [
  [0x0, 0x7f, 4],
  [0x80, 0x24f, 3],
  [0x300, 0x36f, 3],
  [0x370, 0x7ff, 2],
  [0x800, 0x10ff, 3],
  [0x1100, 0x11ff, 3],
  [0x1200, 0x1fff, 3],
  [0x2000, 0x2bff, 3],
  [0x2c00, 0x33ff, 3],
  [0x3400, 0x9fff, 1],
  [0xa000, 0xabff, 1],
  [0xac00, 0xd7ff, 2],
  [0xd800, 0xdfff, 1],
  [0xe000, 0xf8ff, 1],
  [0xf900, 0xffff, 3],
  [0x10000, 0x1cfff, 2],
  [0x1d000, 0x1d7ff, 2],
  [0x1d800, 0x1ffff, 2],
  [0x20000, 0x2ffff, 1],
  [0x30000, 0x10ffff, 1],
];
const character = fc.oneof(
  ...planes.map(([min, max, weight]) => ({
    weight,
    arbitrary: fc.integer({ min, max }).map((codePoint) => String.fromCodePoint(codePoint)),
  })),
);

/** What normal forms make longer or shorter, what composes over what stands between, what looks like nothing. */
const nasty = fc.constantFrom(
  ..."\u0f78 \ufb2c \u{1d160} \ufdfa \ufdfb \u0344 \u0390 \u1fa7 \u212b \u2126 \u1e69 \u1ead \ud55c \u1100\u1161\u11a8",
  ..."á\u0323|s\u0323\u0307|\r\u0323\u0304|>\u0338|\u{11099}\u{110ba}|か\u3099|\u0b47\u0b56\u0b57|\u09c7\u09be".split(
    "|",
  ),
  ..."\u200b|\u200d|\ufeff|\u00ad|\u2060|\ufe0f|\u202e|\u2581|\u00a0|\u3000|\u2028|\u0000|\u007f|\ufffd".split("|"),
  ..."\ud800|\udc00|\udc00\ud800|👩‍👩‍👧|🇩🇪|½|㎢|㍿|ﬁ|ﷺ|…|①|Ǆ|ſ|ẞ|İ|ŉ".split("|"),
);

/** What tokenizers have tokens of their own for, and what Python writes otherwise than it came. */
const words = fc.constantFrom(
  ..."<|im_start|>|<|im_end|>|<s>|</s>|<pad>|<unk>|<0x41>|\\ufdfa|\\u0f78|\\ud834\\udd60|  |\n\n|\t|▁▁|'s".split("|"),
  ...'1e15|1e308|-0.0|1E+2|1e-7|5e-324|0.1|1e400|123456789012345678901234567890|[1,1,1]|{"a":1e15}'.split("|"),
  ..."the |prompt|Tokens|und die |это|今日は|안녕".split("|"),
);

const piece = fc.oneof(
  { weight: 5, arbitrary: character },
  { weight: 4, arbitrary: nasty },
  { weight: 2, arbitrary: words },
  // A long run of one and the same.
  {
    weight: 1,
    arbitrary: fc.tuple(fc.oneof(character, nasty), fc.integer({ min: 2, max: 40 })).map(([one, n]) => one.repeat(n)),
  },
);

/** Texts that a tokenizer may count higher than anybody thinks; lone surrogates among them. */
export const hostileText = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(""));
/** The same for what holds many of them. */
export const shortText = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(""));

/** The same texts each time, as the counts in `test/fixtures/tokenizers/counts.json` need them. */
export function sampleHostileTexts(count: number, seed: number): string[] {
  return fc.sample(hostileText, { numRuns: count, seed });
}
