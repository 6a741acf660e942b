import { z } from "zod";
import { isObject } from "../../../../agreements/json.ts";
import { choicesBytesMax, enumItemsMax, schemaBytesMax } from "../../../../limits.ts";
import { createCheckedSchema, type FieldFault } from "../../../fields.ts";
import { checkBoolean, checkChoice, checkList, checkMembers, checkObject, checkText, type Check } from "../checks.ts";
import { findSchemaFault, findSchemaTextFault } from "./json-schema.ts";
import { forwarded, isUnsent, orEmpty } from "../member.ts";
import { findPatternFault } from "./pattern.ts";

/** The form that an answer must have: what the caller says of it, bounded by what an engine needs to compile it. */
export interface ResponseFormat {
  type: "text" | "json_object" | "json_schema" | "structural_tag";
  [member: string]: unknown;
}

/** The kinds of `response_format`. */
export const formatTypes = ["text", "json_object", "json_schema", "structural_tag"];
const nameBytesMax = 256;
const tagsMax = 128;

/** Everything but a schema is bounded by its bytes as a whole. */
function findSizeFault(value: unknown): FieldFault | null {
  return (
    checkText(schemaBytesMax)(JSON.stringify(value)) && {
      path: [],
      message: `must have at most ${schemaBytesMax} bytes`,
    }
  );
}

const checkJsonSchema = checkMembers(
  {
    name: checkText(nameBytesMax),
    description: checkText(schemaBytesMax),
    schema: findSchemaFault,
    strict: checkBoolean,
  },
  [],
);

const checkFormat = checkMembers(
  {
    type: checkChoice(...formatTypes),
    json_schema: checkJsonSchema,
    structures: checkList(
      checkMembers({ begin: checkText(1_024), schema: findSchemaFault, end: checkText(1_024) }),
      tagsMax,
    ),
    triggers: checkList(checkText(1_024, 1), tagsMax),
    format: checkObject,
  },
  ["type"],
);

/** A structural tag's `format` holds schemas at places of its own: all that looks like one is bounded as one. */
function findFormatFault(value: unknown): FieldFault | null {
  const found = findSizeFault(value) ?? checkFormat(value);
  if (found || !isObject(value) || !isObject(value["format"])) return found;
  return under("format", findNestedFault(value["format"], 0));
}

const depthMax = 16;

function findNestedFault(value: unknown, depth: number): FieldFault | null {
  if (depth > depthMax) return { path: [], message: `must not be nested deeper than ${depthMax} levels` };
  if (typeof value !== "object" || value === null) return null;
  for (const [name, inner] of Object.entries(value)) {
    const isSchema = name === "json_schema" || name === "schema";
    const found = isSchema
      ? findSchemaFault(inner)
      : name === "pattern"
        ? checkPattern(inner)
        : findNestedFault(inner, depth + 1);
    if (found) return under(name, found);
  }
  return null;
}

function under(name: string, fault: FieldFault | null): FieldFault | null {
  return fault && { ...fault, path: [name, ...fault.path] };
}

const checkPattern: Check = (value) => {
  const fault = checkText(schemaBytesMax, 1)(value);
  if (fault || typeof value !== "string") return fault;
  const message = findPatternFault(value);
  return message === null ? null : { path: [], message };
};

const checkSchemaOrText: Check = (value) =>
  typeof value === "string" ? findSchemaTextFault(value) : findSchemaFault(value);

const kinds: Readonly<Record<string, Check>> = {
  json: checkSchemaOrText,
  regex: checkPattern,
  choice: checkList(checkText(choicesBytesMax, 1), enumItemsMax, 1),
  grammar: checkText(schemaBytesMax, 1),
  json_object: checkBoolean,
  structural_tag: checkText(schemaBytesMax, 1),
};
const options: Readonly<Record<string, Check>> = {
  disable_any_whitespace: checkBoolean,
  disable_additional_properties: checkBoolean,
  whitespace_pattern: checkPattern,
};
/** Members of `structured_outputs` that go on. */
export const outputsMembers: readonly string[] = Object.keys({ ...kinds, ...options });
const checkOutputs = checkMembers({ ...kinds, ...options });

/** A constraint that was misspelled would be left out in silence, so here an unknown name is refused. */
function findOutputsFault(value: unknown): FieldFault | null {
  const found = findSizeFault(value) ?? checkOutputs(value);
  if (found || !isObject(value)) return found;
  const strange = Object.keys(value).find((name) => !(name in kinds || name in options) && !isUnsent(value[name]));
  return strange === undefined ? null : { path: [strange], message: `must be one of ${Object.keys(kinds).join(", ")}` };
}

/** The row of `response_format`. */
export const responseFormat = orEmpty(
  forwarded(
    createCheckedSchema<ResponseFormat>(findFormatFault),
    "The form of the answer: text, JSON, JSON of a schema, or text with tagged pieces of JSON.",
    z.looseObject({
      type: z.enum(["text", "json_object", "json_schema", "structural_tag"]),
      json_schema: z
        .looseObject({
          name: z.string().optional(),
          description: z.string().nullish(),
          schema: z.looseObject({}).nullish().describe("JSON Schema."),
          strict: z.boolean().nullish(),
        })
        .nullish(),
    }),
  ),
);

/** The row of `structured_outputs`: vLLM's own way to say the same, and more. */
export const structuredOutputs = orEmpty(
  forwarded(
    createCheckedSchema<Record<string, unknown>>(findOutputsFault),
    "What the answer must match: a JSON schema, a regular expression, one of some choices, or a grammar.",
    z.object({
      json: z.union([z.string(), z.looseObject({})]).nullish(),
      regex: z.string().nullish(),
      choice: z.array(z.string()).nullish(),
      grammar: z.string().nullish(),
      json_object: z.boolean().nullish(),
      structural_tag: z.string().nullish(),
      disable_any_whitespace: z.boolean().nullish(),
      disable_additional_properties: z.boolean().nullish(),
      whitespace_pattern: z.string().nullish(),
    }),
  ),
);
