import { windowNames, windows, type WindowRule } from "#edge/agreements/records/windows.ts";
import type { Question } from "../ask.ts";
import { UsageError, type Flags, type Option } from "../input/flags.ts";
import { clean, read, type Column } from "../output/table.ts";
import type { View } from "../output/view.ts";

/** What a command is given: its words and options, the org to use when none is named, the time. */
export interface Given {
  flags: Flags;
  org: string | undefined;
  nowMs: number;
}

/** What every command has: its name, what it takes, and its help. */
export interface CommandHead {
  name: string;
  usage: string;
  about: string;
  more?: string[];
  options: Record<string, Option>;
  /** How many words it takes at most. */
  words: number;
}

/** One command: what it asks of the edge, and how the answer is shown. */
export interface Command extends CommandHead {
  /** The credential that it needs, where that is not an admin key. */
  credential?: "bootstrap token" | "none";
  /** Its first word is an org; when there is none, the key's own is meant. */
  mayOmitOrg?: boolean;
  /** Which word the org is, where it is not the first. */
  orgAt?: number;
  question(given: Given): Question;
  show(answer: unknown, edge: string): View;
}

/** A command that asks no edge: it reads files, says what it found, and whether that is good. */
export interface LocalCommand extends CommandHead {
  answer(flags: Flags, readFile: (path: string) => string): { text: string; isGood: boolean };
}

/** What the help says of windows. */
export const aboutWindows = [
  `Windows: ${windowNames.slice(0, 4).join(", ")},`,
  `  ${windowNames.slice(4).join(", ")}`,
  "  (in millionths of the edge's currency; 'penstock models' names it).",
];

/** The window that examples name. */
export const [exampleWindow] = windowNames.filter((name) => windows[name].kind === "calendar");

/** A limit, wherever one is set. */
export const limitOption: Option = { value: "WINDOW=N", isMany: true, about: "Sets a limit; 'none' is no limit." };

/** Options of every list. */
export const pageOptions: Record<string, Option> = {
  rows: { value: "N", about: "How many rows at most (1 to 1000; 100 if not given)." },
  cursor: { value: "CURSOR", about: "Where the page before ended." },
};

/** The limits that a list of orgs shows, a column a window. */
export const listedWindowColumns = windowNames.flatMap((name): Column[] => {
  const { head }: WindowRule = windows[name];
  return head === undefined ? [] : [[head, `limits.${name}`]];
});

/** An org's limits, one line each. */
export const windowColumns = windowNames.map((name): Column => [name, `limits.${name}`]);

/** The path of the org that is named, or else of the default one. */
export function orgPath({ flags, org }: Given, at = 0): string {
  const id = flags.words[at] ?? org;
  if (!id) throw new UsageError("ORG is missing. See --help.");
  if (!/^org_[0-9A-Za-z]{10}$/.test(id))
    throw new UsageError(`ORG must be the id of an org (org_…), as 'penstock orgs list' shows it; not '${id}'.`);
  return `/control/orgs/${id}`;
}

/** The query of a list. */
export function pageQuery(flags: Flags): Record<string, string | undefined> {
  const rows = flags.one("rows");
  if (rows !== undefined && !/^([1-9]\d{0,2}|1000)$/.test(rows))
    throw new UsageError(`--rows takes a whole number from 1 to 1000; not '${rows}'.`);
  return { limit: rows, cursor: flags.one("cursor") };
}

/** Only the fields that were given. */
export function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** How to get the next page, when a list has more rows. */
export function nextPage(answer: unknown): string[] {
  const cursor = read(answer, "nextCursor");
  return typeof cursor === "string" ? [`There is more: --cursor ${clean(cursor)}`] : [];
}

/** One thing in all its columns, one line each. */
export function showOne(columns: Column[], answer: unknown): View {
  return { columns: columns.map(([head, path]): Column => [head.toLowerCase(), path]), rows: [answer], isOne: true };
}

/** The currency of an answer, as a view takes it. */
export function currencyIn(answer: unknown): { currency: string } {
  return { currency: clean(read(answer, "currency")) };
}

/** A setting that one switch turns on and another off; `undefined` when neither was given. */
export function readSwitch(flags: Flags, on: string, off: string): boolean | undefined {
  if (flags.is(on) && flags.is(off)) throw new UsageError(`--${on} and --${off} exclude each other.`);
  return flags.is(on) ? true : flags.is(off) ? false : undefined;
}

/** A word that must be the id of one kind of thing; `list` names the command that shows them. */
export function readId(flags: Flags, word: { at: number; name: string }, prefix: string, list: string): string {
  const id = flags.word(word.at, word.name);
  if (new RegExp(`^${prefix}_[0-9A-Za-z]{22}$`).test(id)) return id;
  throw new UsageError(`${word.name} must be an id (${prefix}_…), as 'penstock ${list}' shows it; not '${clean(id)}'.`);
}

/** An option that takes one of these words; undefined when it was not given. */
export function readChoice(flags: Flags, name: string, words: readonly string[]): string | undefined {
  const word = flags.one(name);
  if (word === undefined || words.includes(word)) return word;
  throw new UsageError(`--${name} takes ${words.join(" or ")}; not '${word}'.`);
}

/** An option that takes a whole number; undefined when it was not given. */
export function readWhole(flags: Flags, name: string): number | undefined {
  const text = flags.one(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,16}$/.test(text)) throw new UsageError(`--${name} takes a whole number; not '${text}'.`);
  return Number(text);
}
