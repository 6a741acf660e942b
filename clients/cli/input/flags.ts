import { parseArgs } from "node:util";
import { windowNames } from "#edge/agreements/records/windows.ts";

/** The command line makes no sense; the message says why in one line. */
export class UsageError extends Error {}

/** An option of a command: `value` names what it takes (none: a switch), `isMany` may be given again. */
export interface Option {
  value?: string;
  isMany?: boolean;
  about: string;
}

/** Options that every command takes. */
export const commonOptions: Record<string, Option> = {
  edge: { value: "URL", about: "The edge, e.g. https://api.example.com (or PENSTOCK_EDGE)." },
  key: { value: "ADMIN_KEY", about: "The admin key (better: PENSTOCK_ADMIN_KEY, which other users cannot see)." },
  state: { value: "DIR", about: "The dev stack of `npm run dev -- --state DIR` (or PENSTOCK_STATE)." },
  json: { about: "Print the API's JSON." },
  csv: { about: "Print comma-separated values, with times and numbers as the API gives them." },
  help: { about: "Show this help." },
};

/** A command's words and options. Unknown options, and values where none belong, throw a UsageError. */
export class Flags {
  readonly words: string[];
  readonly #values: Record<string, string | boolean | (string | boolean)[] | undefined>;

  constructor(line: string[], options: Record<string, Option>) {
    const known = Object.entries({ ...options, ...commonOptions }).map(([name, option]) => {
      const type: "string" | "boolean" = option.value ? "string" : "boolean";
      return [name, { type, multiple: option.isMany ?? false }] as const;
    });
    try {
      const { values, positionals } = parseArgs({
        args: line,
        options: Object.fromEntries(known),
        allowPositionals: true,
      });
      this.words = positionals;
      this.#values = values;
    } catch (failure) {
      // Node's hint about '--' runs over several sentences, and may repeat what was typed; the first says it all.
      const why = failure instanceof Error ? failure.message.split(/\. |\n/)[0] : "malformed";
      throw new UsageError(`${why}. See --help.`, { cause: failure });
    }
  }

  is(name: string): boolean {
    return this.#values[name] === true;
  }

  one(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** All values of an option that may be given again; `undefined` when it was not given. */
  many(name: string): string[] | undefined {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  word(at: number, name: string): string {
    const word = this.words[at];
    if (!word) throw new UsageError(`${name} is missing. See --help.`);
    return word;
  }

  refuseMoreThan(words: number): void {
    const extra = this.words[words];
    if (extra !== undefined) throw new UsageError(`'${extra}' is one word too many. See --help.`);
  }
}

/** `--limit WINDOW=600 --limit WINDOW=none`, as the API takes limits. */
export function readLimits(given: string[] | undefined): Record<string, number | null> | undefined {
  if (!given) return undefined;
  const limits = given.map((text) => {
    const match = /^([A-Za-z]+)=(none|\d{1,16})$/.exec(text);
    if (!match)
      throw new UsageError(`--limit takes WINDOW=NUMBER or WINDOW=none, such as ${windowNames[0]}=600; not '${text}'.`);
    return [match[1], match[2] === "none" ? null : Number(match[2])] as const;
  });
  return Object.fromEntries(limits);
}
