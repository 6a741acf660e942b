import type { Question } from "./ask.ts";
import { UsageError, type Flags, type Option } from "./flags.ts";
import { clean, read } from "./table.ts";

/** What a command is given: its words and options, the dev stack's org, the time. */
export interface Given {
  flags: Flags;
  org: string | undefined;
  nowMs: number;
}

/** One command: what it takes, what it asks of the control API, and how the answer is shown. */
export interface Command {
  name: string;
  usage: string;
  about: string;
  more?: string[];
  options: Record<string, Option>;
  /** How many words it takes at most. */
  words: number;
  credential?: "bootstrap token";
  question(given: Given): Question;
  show(answer: unknown): string;
}

/** The windows of a limit, for the help. */
export const windows =
  "requestsPerMinute, requestsPerHour, concurrency, tokensPerMinute, requestsPerDay, tokensPerDay, tokensPerMonth, costMicrosPerMonth";
/** Options that several commands take. */
export const limitOption: Option = { value: "WINDOW=N", isMany: true, about: "Sets a limit; 'none' is no limit." };
export const pageOptions: Record<string, Option> = {
  limit: { value: "N", about: "How many rows at most (1 to 1000; 100 if not given)." },
  cursor: { value: "CURSOR", about: "Where the page before ended." },
};

/** The org that is named, or the dev stack's. */
export function orgPath({ flags, org }: Given): string {
  const id = flags.words[0] ?? org;
  if (!id) throw new UsageError("ORG is missing. See --help.");
  return namedOrgPath(id);
}

/** The path of an org in the API. */
export function namedOrgPath(id: string): string {
  return `/control/orgs/${encodeURIComponent(id)}`;
}

/** The query of a list. */
export function pageOf(flags: Flags): Record<string, string | undefined> {
  return { limit: flags.one("limit"), cursor: flags.one("cursor") };
}

/** Only the fields that were given. */
export function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** How to go on, when a list has more rows. */
export function nextPage(answer: unknown): string {
  const cursor = read(answer, "nextCursor");
  return typeof cursor === "string" ? `\n\nThere is more: --cursor ${clean(cursor)}` : "";
}
