import type { Command } from "./command.ts";
import { commonOptions, type Option } from "./flags.ts";

/** The help of `penstock help`: every command in one line. */
export function writeHelp(commands: readonly Command[]): string {
  const widest = Math.max(...commands.map((command) => usageOf(command).length));
  return [
    "penstock: orgs, keys, usage and ledgers of a Penstock edge.",
    "",
    "Usage: penstock COMMAND [options]",
    "",
    ...commands.map((command) => `  ${usageOf(command).padEnd(widest)}  ${command.about}`),
    "",
    "Options of every command:",
    ...optionLines(commonOptions),
    "",
    "Settings come from options, then PENSTOCK_EDGE and PENSTOCK_ADMIN_KEY, then the dev stack's .penstock/dev.json.",
    "Exit codes: 0 done, 1 the edge refused or cannot be reached, 2 wrong usage.",
    "In the dev stack, [ORG] may be left out: its own org is meant. 'penstock help COMMAND' tells more.",
  ].join("\n");
}

/** The help of one command. */
export function writeCommandHelp(command: Command): string {
  const lines = [`Usage: penstock ${usageOf(command)} [options]`, "", command.about, ...(command.more ?? [])];
  if (Object.keys(command.options).length > 0) lines.push("", "Options:", ...optionLines(command.options));
  return [...lines, "", "Options of every command:", ...optionLines(commonOptions)].join("\n");
}

const usageOf = ({ name, usage }: Command): string => (usage ? `${name} ${usage}` : name);

function optionLines(options: Record<string, Option>): string[] {
  const entries = Object.entries(options).map(([name, { value, isMany, about }]) => {
    return [`--${name}${value ? ` ${value}` : ""}`, `${about}${isMany ? " May be given again." : ""}`] as const;
  });
  const widest = Math.max(...entries.map(([head]) => head.length));
  return entries.map(([head, about]) => `  ${head.padEnd(widest)}  ${about}`);
}
