import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { schemaBytesMax } from "../../../limits.ts";
import { checkBoolean, checkChoice, checkMembers, checkText, type Check } from "../members/checks.ts";
import type { IgnoredMembers } from "../members/member.ts";
import { findSchemaFault } from "../members/structure/json-schema.ts";

const checkFormat = checkMembers(
  {
    type: checkChoice("text", "json_object", "json_schema"),
    name: checkText(256),
    description: checkText(schemaBytesMax),
    schema: findSchemaFault,
    strict: checkBoolean,
  },
  ["type"],
);

/** What is wrong with `text`: the form of the answer, and how wordy it is to be. */
export const findTextFault: Check = checkMembers({
  format: (value) => {
    const isBare = isObject(value) && value["type"] === "json_schema" && !isObject(value["schema"]);
    return checkFormat(value) ?? (isBare ? { path: ["schema"], message: "is required" } : null);
  },
  verbosity: checkChoice("low", "medium", "high"),
});

const schemaMembers = ["name", "description", "schema", "strict"];

/** The form of the answer as a chat has it (`response_format`): OpenAI's flat form in two levels; none for text. */
export function writeFormat(text: unknown, ignored: IgnoredMembers): JsonObject | undefined {
  if (!isObject(text)) return undefined;
  nameStrange(text, { path: "text", known: ["format", "verbosity"] }, ignored);
  const { format } = text;
  if (!isObject(format)) return undefined;
  nameStrange(format, { path: "text.format", known: ["type", ...schemaMembers] }, ignored);
  if (format["type"] === "json_object") return { type: "json_object" };
  if (format["type"] !== "json_schema") return undefined;
  const isSent = (name: string) => format[name] !== undefined && format[name] !== null;
  return {
    type: "json_schema",
    json_schema: Object.fromEntries(schemaMembers.filter(isSent).map((name) => [name, format[name]])),
  };
}

/** Tells of the members of an object that nobody here knows. */
export function nameStrange(
  object: JsonObject,
  { path, known }: { path: string; known: readonly string[] },
  ignored: IgnoredMembers,
): void {
  for (const [name, value] of Object.entries(object))
    if (value !== null && value !== undefined && !known.includes(name)) ignored.add(path, name);
}
