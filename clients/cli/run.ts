import { ask, EdgeError } from "./ask.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { Flags, UsageError } from "./flags.ts";
import { writeCommandHelp, writeHelp } from "./help.ts";
import { readSettings } from "./settings.ts";

/** What the terminal gives a run. */
export interface Terminal {
  env: Record<string, string | undefined>;
  /** The working directory: the dev stack's settings are looked for here. */
  folder: string;
  print(text: string): void;
  complain(text: string): void;
  nowMs(): number;
}

/** Runs one command line. Answers the exit code: 0 done, 1 the edge refused or cannot be reached, 2 wrong usage. */
export async function runCommand(words: string[], terminal: Terminal): Promise<number> {
  try {
    if (words.length === 0 || words[0] === "help" || words[0] === "--help" || words[0] === "-h") {
      terminal.print(helpFor(words.slice(1)));
      return 0;
    }
    const command = findCommand(words);
    const rest = words.slice(command.name.split(" ").length);
    const flags = new Flags(rest, command.options);
    if (flags.is("help")) terminal.print(writeCommandHelp(command));
    else await serve(command, flags, terminal);
    return 0;
  } catch (failure) {
    if (failure instanceof UsageError) {
      terminal.complain(`penstock: ${hideKeys(failure.message)}`);
      return 2;
    }
    if (!(failure instanceof EdgeError)) throw failure;
    const isJson = words.includes("--json") && failure.body !== undefined;
    terminal.complain(hideKeys(isJson ? JSON.stringify(failure.body, null, 2) : `penstock: ${failure.message}`));
    return 1;
  }
}

async function serve(command: Command, flags: Flags, terminal: Terminal): Promise<void> {
  const settings = readSettings(flags, terminal, command.credential ?? "admin key");
  const { warning } = settings;
  if (warning) terminal.complain(`penstock: ${warning}`);
  const question = command.question({ flags, org: settings.org, nowMs: terminal.nowMs() });
  flags.refuseMoreThan(command.words);
  const answer = await ask(settings, question);
  terminal.print(flags.is("json") ? JSON.stringify(answer, null, 2) : command.show(answer));
}

function findCommand(words: string[]): Command {
  const known = commands.find(({ name }) => name === words.slice(0, name.split(" ").length).join(" "));
  if (known) return known;
  const group = commands.filter(({ name }) => name.startsWith(`${words[0]} `)).map(({ name }) => name.split(" ")[1]);
  if (group.length > 0)
    throw new UsageError(`'${words[0]}' needs one of: ${group.join(", ")}. See 'penstock help ${words[0]}'.`);
  throw new UsageError(`there is no command '${words[0]}'. See 'penstock help'.`);
}

function helpFor(words: string[]): string {
  const asked = words.join(" ");
  const meant = commands.filter(({ name }) => name === asked || name.startsWith(`${asked} `));
  if (asked === "") return writeHelp(commands);
  if (meant.length === 0) throw new UsageError(`there is no command '${asked}'. See 'penstock help'.`);
  return meant.map(writeCommandHelp).join("\n\n");
}

/** A key that was typed in the wrong place must not come back in a complaint. */
function hideKeys(text: string): string {
  return text.replaceAll(/sk-pen-[0-9A-Za-z-]+/g, "sk-pen-…");
}
