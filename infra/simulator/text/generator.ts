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

/** Sentences are `article subject verb article object`, some joined by a link; each list has words of its own. */
const openings = ones("The|A|This|Each|One|Our");
const starts = ones(" The| A| This| Each| One| Our");
const links = ones(" and| while| until| but| so");
const linkedArticles = ones(" every| that| some");
const subjects = ones(" water| gate| mill| wheel| river| stone| model| token| answer| house| light");
const verbs = ones(" turns| opens| closes| holds| feeds| moves| meets| finds| keeps| sees");
const articles = ones(" the| a| one| its| our| this");
const objects = ones(" pipe| field| road| door| boat| hand| lamp| valley| garden| tower| wall| bridge");
const period = one(".");
const newline = one("\n");
// Characters of two and four bytes are rare, but there: a naïve café, and a smile between sentences.
const naive = one(" na");
const cafe = one(" caf");
const iUmlaut = one("ï");
const ve = one("ve");
const eAcute = one("é");
const [emojiHead = 0] = tokenize("🙂");
const emojiTails = ["🙂", "🚀", "🌊", "💧", "🔧"].map((emoji) => tokenize(emoji)[1] ?? 0);

const repeat = (tokens: readonly number[], times: number): number[] =>
  Array.from({ length: times }, () => tokens).flat();
const afterObject = [...repeat([period], 9), ...links];

/** What may follow a token; after any other an answer begins. */
const proseRules = new Map<number, readonly number[]>([
  ...[...openings, ...starts, ...linkedArticles].map((token): [number, number[]] => [token, subjects]),
  ...links.map((token): [number, number[]] => [token, linkedArticles]),
  ...subjects.map((token): [number, number[]] => [token, verbs]),
  ...verbs.map((token): [number, number[]] => [token, articles]),
  ...articles.map((token): [number, number[]] => [token, [...repeat(objects, 2), naive, cafe]]),
  ...objects.map((token): [number, number[]] => [token, afterObject]),
  ...emojiTails.map((token): [number, number[]] => [token, starts]),
  [naive, [iUmlaut]],
  [iUmlaut, [ve]],
  [ve, objects],
  [cafe, [eAcute]],
  [eAcute, afterObject],
  [emojiHead, emojiTails],
]);

const sentenceTokens = 9;

const pick = (tokens: readonly number[], hash: number): number => tokens[hash % tokens.length] ?? 0;

function proseVoice(answerTokensMean: number): Voice {
  const endShare = Math.min(1, sentenceTokens / answerTokensMean);
  return (last, hash, mayEnd) => {
    // The low bits choose the kind of token, a second mixing the token itself: otherwise the two would move together.
    const other = mix(hash, 7);
    if (last !== period) return pick(proseRules.get(last) ?? openings, other);
    if (mayEnd && (hash >>> 8) / 0x1_00_0000 < endShare) return endOfAnswer;
    if (hash % 16 === 1) return emojiHead;
    return hash % 8 === 0 ? newline : pick(starts, other);
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
const comma = one(",");
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
