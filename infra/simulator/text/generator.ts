import { mix } from "./hash.ts";
import { imEnd, tokenize } from "./tokenizer.ts";
import type { Speech } from "../options.ts";

/** What ends an answer by itself. */
export const endOfAnswer = imEnd;

/**
 * Names the token that follows. It depends on nothing but the tokens before it (their last, and a hash of them all), so
 * an answer that is continued elsewhere from prompt and generated ids goes on exactly as it would have here.
 */
export type Voice = (last: number, hash: number, mayEnd: boolean) => number;

/** The generator of a model; `answerTokensMean` is where prose ends on average. */
export function voiceOf(speech: Speech, answerTokensMean: number): Voice {
  return speech === "sql" ? speakSql : proseVoice(answerTokensMean);
}

const one = (text: string): number => tokenize(text)[0] ?? 0;
const ones = (text: string): number[] => text.split("|").map(one);

const openings = ones("The|A|This|We|When|Each|One|If|All|Some|It|Here");
const starts = ones(" The| A| This| We| When| Each| One| If| All| Some| It| Here");
const words = ones(
  " the| a| of| to| and| in| that| is| for| on| with| as| at| by| from| this| which| each| can| may| " +
    "will| must| water| pipe| gate| wheel| river| stone| mill|" +
    " flow| turns| opens| closes| holds| feeds| runs| slow| fast| deep| cold| small| large| model| token| " +
    "answer| second| first| last| way| day| night| hand| work|" +
    " field| light| sound| house| line| part| end| more| less| than| then| when| where| it| its| one| two| " +
    "many| some| only| still| also| na| caf",
);
const naive = one(" na");
const cafe = one(" caf");
const iUmlaut = one("ï");
const ve = one("ve");
const eAcute = one("é");
const comma = one(",");
const period = one(".");
const newline = one("\n");
const [emojiHead = 0] = tokenize("🙂");
const emojiTails = ["🙂", "🚀", "🌊", "💧", "🔧"].map((emoji) => tokenize(emoji)[1] ?? 0);
const kanji = ones("水|門|流|車");
const flowing = new Set([...starts, ...openings, ...words, comma, iUmlaut, ve, eAcute, ...emojiTails, ...kanji]);

/** Sentences of some nine tokens. */
const sentenceTokens = 9;

const pick = (tokens: readonly number[], hash: number): number => tokens[hash % tokens.length] ?? 0;

function proseVoice(answerTokensMean: number): Voice {
  const endShare = Math.min(1, sentenceTokens / answerTokensMean);
  return (last, hash, mayEnd) => {
    // The low bits choose the kind of token, a second mixing the token itself: otherwise the two would move together.
    const other = mix(hash, 7);
    if (last === emojiHead) return pick(emojiTails, other);
    if (last === cafe) return eAcute;
    if (last === naive) return iUmlaut;
    if (last === iUmlaut) return ve;
    if (last === period) {
      if (mayEnd && (hash >>> 8) / 0x1_00_0000 < endShare) return endOfAnswer;
      return hash % 8 === 0 ? newline : pick(starts, other);
    }
    if (!flowing.has(last)) return pick(openings, other);
    const kind = hash % 100;
    if (last === comma || kind < 80) return pick(words, other);
    if (kind < 91) return period;
    if (kind < 97) return comma;
    return kind < 99 ? emojiHead : pick(kanji, other);
  };
}

const select = one("SELECT");
const columns = ones(" id| name| city| total| price| status");
const tables = ones(" users| items| sales| trips");
const filters = ones(" region| paid| email| year");
const sorts = ones(" date| rank| score");
const from = one(" FROM");
const where = one(" WHERE");
const is = one(" IS");
const not = one(" NOT");
const nil = one(" NULL");
const and = one(" AND");
const order = one(" ORDER");
const by = one(" BY");
const descending = one(" DESC");
const limit = one(" LIMIT");
const space = one(" ");
const semicolon = one(";");
const digits = ones("1|2|5|7|8");
const zero = one("0");

/**
 * A grammar that is a chain: each token tells what may follow. Clauses use words of their own, so that the last token
 * is enough to know the clause.
 */
const speakSql: Voice = (last, hash, mayEnd) => {
  const other = mix(hash, 7);
  const rule = sqlRules.get(last);
  if (last === semicolon) return mayEnd ? endOfAnswer : newline;
  return rule ? pick(rule, other) : select;
};

const sqlRules = new Map<number, readonly number[]>([
  [select, columns],
  [comma, columns],
  ...columns.map((token): [number, number[]] => [token, [comma, from, from]]),
  [from, tables],
  ...tables.map((token): [number, number[]] => [token, [where, where, order, semicolon]]),
  [where, filters],
  [and, filters],
  ...filters.map((token): [number, number[]] => [token, [is]]),
  [is, [not, nil]],
  [not, [nil]],
  [nil, [and, order, limit, semicolon]],
  [order, [by]],
  [by, sorts],
  ...sorts.map((token): [number, number[]] => [token, [descending, limit, semicolon]]),
  [descending, [limit, semicolon]],
  [limit, [space]],
  [space, digits],
  ...digits.map((token): [number, number[]] => [token, [zero, semicolon]]),
  [zero, [semicolon]],
]);
