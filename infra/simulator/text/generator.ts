import { mix } from "./hash.ts";
import { imEnd, tokenize } from "./tokenizer.ts";
import type { ModelOutput } from "../options.ts";

/** What ends an answer by itself. */
export const endOfAnswer = imEnd;

/**
 * Names the token that follows. It depends on nothing but the tokens before it (their last, and a hash of them all), so
 * an answer that is continued elsewhere from prompt and generated ids goes on exactly as it would have here.
 */
export type TokenGenerator = (last: number, hash: number, mayEnd: boolean) => number;

/** The generator of a model; `answerTokensMean` is where prose ends on average. */
export function makeGenerator(speech: ModelOutput, answerTokensMean: number): TokenGenerator {
  return speech === "sql" ? generateSql : makeProseGenerator(answerTokensMean);
}

const tokenFor = (text: string): number => tokenize(text)[0] ?? 0;
const tokensFor = (text: string): number[] => text.split("|").map(tokenFor);

/** Sentences are `article subject verb article object`, some joined by a link; each list has words of its own. */
const openings = tokensFor("The|A|This|Each|One|Our");
const starts = tokensFor(" The| A| This| Each| One| Our");
const links = tokensFor(" and| while| until| but| so");
const linkedArticles = tokensFor(" every| that| some");
const subjects = tokensFor(" water| gate| mill| wheel| river| stone| model| token| answer| house| light");
const verbs = tokensFor(" turns| opens| closes| holds| feeds| moves| meets| finds| keeps| sees");
const articles = tokensFor(" the| a| one| its| our| this");
const objects = tokensFor(" pipe| field| road| door| boat| hand| lamp| valley| garden| tower| wall| bridge");
const period = tokenFor(".");
const newline = tokenFor("\n");
// Characters of two and four bytes are rare, but there: a naïve café, and a smile between sentences.
const naive = tokenFor(" na");
const cafe = tokenFor(" caf");
const iUmlaut = tokenFor("ï");
const ve = tokenFor("ve");
const eAcute = tokenFor("é");
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

const choose = (tokens: readonly number[], hash: number): number => tokens[hash % tokens.length] ?? 0;

function makeProseGenerator(answerTokensMean: number): TokenGenerator {
  const endShare = Math.min(1, sentenceTokens / answerTokensMean);
  return (last, hash, mayEnd) => {
    // The low bits choose the kind of token, a second mixing the token itself: otherwise the two would move together.
    const other = mix(hash, 7);
    if (last !== period) return choose(proseRules.get(last) ?? openings, other);
    if (mayEnd && (hash >>> 8) / 0x1_00_0000 < endShare) return endOfAnswer;
    if (hash % 16 === 1) return emojiHead;
    return hash % 8 === 0 ? newline : choose(starts, other);
  };
}

const select = tokenFor("SELECT");
const columns = tokensFor(" id| name| city| total| price| status");
const tables = tokensFor(" users| items| sales| trips");
const filters = tokensFor(" region| paid| email| year");
const sorts = tokensFor(" date| rank| score");
const from = tokenFor(" FROM");
const where = tokenFor(" WHERE");
const is = tokenFor(" IS");
const not = tokenFor(" NOT");
const nil = tokenFor(" NULL");
const and = tokenFor(" AND");
const order = tokenFor(" ORDER");
const by = tokenFor(" BY");
const descending = tokenFor(" DESC");
const limit = tokenFor(" LIMIT");
const space = tokenFor(" ");
const semicolon = tokenFor(";");
const comma = tokenFor(",");
const digits = tokensFor("1|2|5|7|8");
const zero = tokenFor("0");

/**
 * A grammar that is a chain: each token tells what may follow. Clauses use words of their own, so that the last token
 * is enough to know the clause.
 */
const generateSql: TokenGenerator = (last, hash, mayEnd) => {
  const other = mix(hash, 7);
  const rule = sqlRules.get(last);
  if (last === semicolon) return mayEnd ? endOfAnswer : newline;
  return rule ? choose(rule, other) : select;
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
