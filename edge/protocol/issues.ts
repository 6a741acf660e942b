import { z } from "zod";

/** One thing that a schema finds wrong, before it is worded. */
type RawIssue = z.core.$ZodRawIssue;

/** What is said of a member that a strict object does not know. */
export const unknownField = "is not a field here, or may not be set";

/** What a value must be, by zod's name of its type. */
const typeNames: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  set: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  null: "null",
  date: "a date",
  nan: "a number",
};

/** What a string must be, by zod's name of its format. */
const formatNames: Readonly<Record<string, string>> = {
  datetime: "an ISO 8601 date-time",
  date: "an ISO 8601 date",
  time: "an ISO 8601 time",
  duration: "an ISO 8601 duration",
  email: "an email address",
  url: "a URL",
  uuid: "a UUID",
  guid: "a UUID",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  cidrv4: "a range of IPv4 addresses",
  cidrv6: "a range of IPv6 addresses",
  base64: "base64",
  base64url: "base64url",
  json_string: "JSON",
  jwt: "a JSON Web Token",
};

const units: Readonly<Record<string, string>> = {
  string: "character",
  array: "item",
  set: "item",
  map: "entry",
  record: "entry",
  object: "entry",
  file: "byte",
};

/** What is found wrong with a member that is not there. */
const missable: ReadonlySet<string> = new Set(["invalid_type", "invalid_value", "invalid_union"]);

/**
 * Words what a schema found wrong as a phrase that follows the field's name ("must be at most 8"). Knows every kind of
 * issue that zod has, and repeats nothing of the value.
 */
export function describeIssue(issue: RawIssue): string {
  if (issue.input === undefined && missable.has(issue.code)) return "is required";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeNames[issue.expected] ?? "of another type"}`;
    case "invalid_value":
      return `must be ${joinChoices(issue.values.map((value) => JSON.stringify(value) ?? "absent"))}`;
    case "too_big":
      return describeBound(issue, issue.maximum, issue.inclusive === false ? "less than" : "at most");
    case "too_small":
      return describeBound(issue, issue.minimum, issue.inclusive === false ? "more than" : "at least");
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return describeFormat(issue);
    case "unrecognized_keys":
      return "must not have members of other names";
    case "invalid_key":
      return "must not have a member of this name";
    case "invalid_element":
      return "must not have an item of this kind";
    case "invalid_union":
      return describeUnion(issue.errors);
    default:
      return "must have another value";
  }
}

// The one place where the library's own English is replaced, for every schema of the edge, the agent and the control
// API: a schema's own message comes first, then this.
z.config({ customError: describeIssue });

/**
 * Writes an issue as a sentence. A phrase ("must be a number") gets the field's name before it; what is a sentence
 * already stays one.
 */
export function writeIssue(param: string | null, message: string): string {
  const subject = param ? `'${param}'` : "The body";
  if (/^(must|is|has) /.test(message)) return `${subject} ${message}.`;
  return `${subject}: ${message}${/[.!?]$/.test(message) ? "" : "."}`;
}

interface Bound {
  origin: string;
  exact?: boolean | undefined;
}

function describeBound({ origin, exact }: Bound, bound: number | bigint, comparison: string): string {
  const limit = exact === true ? String(bound) : `${comparison} ${bound}`;
  const unit = units[origin];
  if (unit === undefined) return `must be ${limit}`;
  if (exact !== true && comparison === "at least" && Number(bound) === 1) return "must not be empty";
  return `must have ${limit} ${Number(bound) === 1 ? unit : unit.replace(/y$/, "ie") + "s"}`;
}

function describeFormat(issue: { format: string; [detail: string]: unknown }): string {
  const { format, prefix, suffix, includes } = issue;
  if (format === "starts_with") return `must begin with '${String(prefix)}'`;
  if (format === "ends_with") return `must end with '${String(suffix)}'`;
  if (format === "includes") return `must contain '${String(includes)}'`;
  const name = formatNames[format];
  return name === undefined ? "must have another form" : `must be ${name}`;
}

/** What each branch asks of the value itself, joined: "must be a string or a list". */
function describeUnion(branches: readonly (readonly { path: readonly PropertyKey[]; message: string }[])[]): string {
  const phrases = branches.flatMap(([first]) => (first && first.path.length === 0 ? [first.message] : []));
  const wishes = phrases.flatMap((phrase) => (phrase.startsWith("must be ") ? [phrase.slice("must be ".length)] : []));
  if (wishes.length > 0) return `must be ${joinChoices(Array.from(new Set(wishes)))}`;
  return phrases[0] ?? "must have another form";
}

function joinChoices(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join("");
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1) ?? ""}`;
}
