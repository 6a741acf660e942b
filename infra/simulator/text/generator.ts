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

const openings = tokensFor("The|A|This|We|When|Each|One|If|All|Some|It|Here");
const starts = tokensFor(" The| A| This| We| When| Each| One| If| All| Some| It| Here");
const words = tokensFor(
  " the| a| of| to| and| in| that| is| for| on| with| as| at| by| from| this| which| each| can| may| " +
    "will| must| water| pipe| gate| wheel| river| stone| mill|" +
    " flow| turns| opens| closes| holds| feeds| runs| slow| fast| deep| cold| small| large| model| token| " +
    "answer| second| first| last| way| day| night| hand| work|" +
    " field| light| sound| house| line| part| end| more| less| than| then| when| where| it| its| one| two| " +
    "many| some| only| still| also| na| caf",
);
const naive = tokenFor(" na");
const cafe = tokenFor(" caf");
const iUmlaut = tokenFor("ï");
const ve = tokenFor("ve");
const eAcute = tokenFor("é");
const comma = tokenFor(",");
const period = tokenFor(".");
const newline = tokenFor("\n");
const [emojiHead = 0] = tokenize("🙂");
const emojiTails = ["🙂", "🚀", "🌊", "💧", "🔧"].map((emoji) => tokenize(emoji)[1] ?? 0);
const kanji = tokensFor("水|門|流|車");
const flowing = new Set([...starts, ...openings, ...words, comma, iUmlaut, ve, eAcute, ...emojiTails, ...kanji]);

/** Sentences of some nine tokens. */
const sentenceTokens = 9;

const choose = (tokens: readonly number[], hash: number): number => tokens[hash % tokens.length] ?? 0;

function makeProseGenerator(answerTokensMean: number): TokenGenerator {
  const endShare = Math.min(1, sentenceTokens / answerTokensMean);
  return (last, hash, mayEnd) => {
    // The low bits choose the kind of token, a second mixing the token itself: otherwise the two would move together.
    const other = mix(hash, 7);
    if (last === emojiHead) return choose(emojiTails, other);
    if (last === cafe) return eAcute;
    if (last === naive) return iUmlaut;
    if (last === iUmlaut) return ve;
    if (last === period) {
      if (mayEnd && (hash >>> 8) / 0x1_00_0000 < endShare) return endOfAnswer;
      return hash % 8 === 0 ? newline : choose(starts, other);
    }
    if (!flowing.has(last)) return choose(openings, other);
    const kind = hash % 100;
    if (last === comma || kind < 80) return choose(words, other);
    if (kind < 91) return period;
    if (kind < 97) return comma;
    return kind < 99 ? emojiHead : choose(kanji, other);
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
