import type { CommandHead } from "./commands/command.ts";
import { commonOptions, type Option } from "./input/flags.ts";

/** The help of `penstock help`: every command in one line. */
export function writeHelp(commands: readonly CommandHead[]): string {
  const widest = Math.max(...commands.map((command) => writeUsage(command).length));
  return [
    "penstock: orgs, keys, usage, webhooks, models and nodes of a Penstock edge.",
    "",
    "Usage: penstock COMMAND [options]",
    "",
    ...commands.map((command) => `  ${writeUsage(command).padEnd(widest)}  ${command.about}`),
    "",
    "Options of every command:",
    ...writeOptions(commonOptions),
    "",
    "Settings come from options, then PENSTOCK_EDGE and PENSTOCK_ADMIN_KEY, then the dev stack of this clone, or of",
    "PENSTOCK_STATE when it was started with --state DIR.",
    "[ORG] may be left out: your key's own org is meant, in the dev stack its demo org. An operator names one.",
    "Dates and times are UTC: 2026-01-31, or a moment with its zone, 2026-01-31T12:00:00Z.",
    "Exit codes: 0 done, 1 the edge refused or cannot be reached, 2 wrong usage.",
    "",
    "Run it in the clone, as ./penstock or npx penstock. Elsewhere npx would fetch a package of that name from npm,",
    "which is not ours. 'penstock help COMMAND' tells more.",
  ].join("\n");
}

/** The help of one command. */
export function writeCommandHelp(command: CommandHead): string {
  const lines = [`Usage: penstock ${writeUsage(command)} [options]`, "", command.about, ...(command.more ?? [])];
  if (Object.keys(command.options).length > 0) lines.push("", "Options:", ...writeOptions(command.options));
  return [...lines, "", "Options of every command:", ...writeOptions(commonOptions)].join("\n");
}

const writeUsage = ({ name, usage }: CommandHead): string => (usage ? `${name} ${usage}` : name);

function writeOptions(options: Record<string, Option>): string[] {
  const entries = Object.entries(options).map(([name, { value, isMany, about }]) => {
    return [`--${name}${value ? ` ${value}` : ""}`, `${about}${isMany ? " May be given again." : ""}`] as const;
  });
  const widest = Math.max(...entries.map(([head]) => head.length));
  return entries.map(([head, about]) => `  ${head.padEnd(widest)}  ${about}`);
}
