import { Refusal } from "../../errors.ts";

/** The refusal with its member's name, and each mention of it in its message, as the caller knows it. */
export function renameRefusal(refusal: Refusal, rename: (param: string) => string): Refusal {
  const { param, message } = refusal.details;
  if (param === undefined) return refusal;
  const own = rename(param);
  if (own === param) return refusal;
  const renamed = message?.replaceAll(`'${param}'`, () => `'${own}'`);
  return new Refusal(refusal.code, { ...refusal.details, param: own, message: renamed });
}

/**
 * The refusal's message with its member's name in it, for clients that show a message and nothing beside it: before the
 * message where it does not say the name itself (`messages[0].content[1].type: …`). What is said of a full context
 * begins as clients know it.
 */
export function nameInMessage({ status, code, details: { param } }: Refusal, message: string): string {
  const isNamed = param === undefined || message.includes(`'${param}'`);
  return status !== 400 || code === "context_length_exceeded" || isNamed ? message : `${param}: ${message}`;
}

/** Runs what reads a translated call; whatever it refuses is told by the caller's own names. */
export function renameWithin<Result>(rename: (param: string) => string, work: () => Result): Result {
  try {
    return work();
  } catch (failure) {
    throw failure instanceof Refusal ? renameRefusal(failure, rename) : failure;
  }
}

/** Renames a path by the longest beginning that the table has; `[` and `.` end a name. */
export function renameByTable(param: string, names: Readonly<Record<string, string>>): string {
  const known = Object.keys(names)
    .filter((name) => param === name || param.startsWith(`${name}.`) || param.startsWith(`${name}[`))
    .sort((one, other) => other.length - one.length)[0];
  return known === undefined ? param : `${names[known]}${param.slice(known.length)}`;
}
