import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ask, EdgeError } from "./ask.ts";
import { commands } from "./commands/all.ts";
import type { Command, LocalCommand } from "./commands/command.ts";
import { writeCommandHelp, writeHelp } from "./help.ts";
import { Flags, UsageError } from "./input/flags.ts";
import { nameFlag } from "./input/fields.ts";
import { clean, read } from "./output/table.ts";
import { writeCsv, writeText, type View } from "./output/view.ts";
import { readSettings, type Settings } from "./settings.ts";

/** What the terminal gives a run. */
export interface Terminal {
  env: Record<string, string | undefined>;
  /** The working directory: the dev stack's settings are looked for here. */
  folder: string;
  print(text: string): void;
  complain(text: string): void;
  nowMs(): number;
}

/**
 * Runs one command line. Answers the exit code: 0 done, 1 the edge refused or is out of reach, or what was verified is
 * not good, 2 wrong usage.
 */
export async function runCommand(words: string[], terminal: Terminal): Promise<number> {
  try {
    if (words.length === 0 || words[0] === "help" || words[0] === "--help" || words[0] === "-h") {
      terminal.print(findHelp(words.slice(1)));
      return 0;
    }
    const command = findCommand(words);
    const rest = words.slice(command.name.split(" ").length);
    const flags = new Flags(rest, command.options);
    if (flags.is("help")) terminal.print(writeCommandHelp(command));
    else if ("answer" in command) return answerHere(command, flags, terminal);
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

function answerHere(command: LocalCommand, flags: Flags, terminal: Terminal): number {
  flags.refuseMoreThan(command.words);
  const readFile = (path: string): string => {
    try {
      return readFileSync(resolve(terminal.folder, path), "utf8");
    } catch (cause) {
      throw new UsageError(`cannot read '${clean(path)}'.`, { cause });
    }
  };
  const { text, isGood } = command.answer(flags, readFile);
  if (isGood) terminal.print(text);
  else terminal.complain(`penstock: ${text}`);
  return isGood ? 0 : 1;
}

async function serve(command: Command, flags: Flags, terminal: Terminal): Promise<void> {
  if (flags.is("json") && flags.is("csv")) throw new UsageError("--json and --csv exclude each other.");
  flags.refuseMoreThan(command.words);
  const settings = readSettings(flags, terminal, command.credential ?? "admin key");
  const { warning } = settings;
  if (warning) terminal.complain(`penstock: ${warning}`);
  const org = command.mayOmitOrg && flags.words[command.orgAt ?? 0] === undefined ? await findOrg(settings) : undefined;
  const question = command.question({ flags, org, nowMs: terminal.nowMs() });
  const answer = await ask(settings, question).catch((failure: unknown) => {
    throw failure instanceof EdgeError ? inFlags(failure, command, question.body ?? question.query ?? {}) : failure;
  });
  if (typeof answer === "string") terminal.print(answer.replace(/\r?\n$/, ""));
  else if (flags.is("json")) terminal.print(JSON.stringify(answer, null, 2));
  else print(command.show(answer, settings.edge.origin), flags, terminal);
}

function print(view: View, flags: Flags, terminal: Terminal): void {
  if (!flags.is("csv")) return terminal.print(writeText(view));
  terminal.print(writeCsv(view));
  // A note that repeats a column is left out: a key has its column, a cursor has none.
  if (!view.csvOnly) for (const note of view.notes ?? []) terminal.complain(`penstock: ${note}`);
}

/**
 * An admin's org is that of their key. An operator reaches every org, so they must name one, except on the dev stack,
 * which has an org of its own.
 */
async function findOrg(settings: Settings): Promise<string> {
  if (settings.org) return settings.org;
  const session = await ask(settings, { method: "GET", path: "/control/whoami" });
  const id = read(session, "org.id");
  if (read(session, "key.role") === "operator" || typeof id !== "string")
    throw new UsageError("ORG is missing: an operator's key reaches every org; 'penstock orgs list' shows them.");
  return id;
}

/** Puts the flag that a field was given with in place of the field's name in the edge's message. */
function inFlags(failure: EdgeError, command: Command, sent: Record<string, unknown>): EdgeError {
  const param = read(failure.body, "error.param");
  if (typeof param !== "string") return failure;
  const flag = nameFlag(param, command.options, sent);
  const message = failure.message.startsWith(`${param}: `) ? failure.message.slice(param.length + 2) : failure.message;
  return new EdgeError(`${flag}: ${message}`, failure.body);
}

function findCommand(words: string[]): Command | LocalCommand {
  const known = commands.find(({ name }) => name === words.slice(0, name.split(" ").length).join(" "));
  if (known) return known;
  const group = commands.filter(({ name }) => name.startsWith(`${words[0]} `)).map(({ name }) => name.split(" ")[1]);
  if (group.length > 0)
    throw new UsageError(`'${words[0]}' needs one of: ${group.join(", ")}. See 'penstock help ${words[0]}'.`);
  throw new UsageError(`there is no command '${words[0]}'. See 'penstock help'.`);
}

function findHelp(words: string[]): string {
  const wanted = words.join(" ");
  const meant = commands.filter(({ name }) => name === wanted || name.startsWith(`${wanted} `));
  if (wanted === "") return writeHelp(commands);
  if (meant.length === 0) throw new UsageError(`there is no command '${wanted}'. See 'penstock help'.`);
  return meant.map(writeCommandHelp).join("\n\n");
}

/** A key typed in the wrong place must not be repeated in an error message. */
function hideKeys(text: string): string {
  return text.replaceAll(/sk-pen-[0-9A-Za-z-]+/g, "sk-pen-…");
}
