import { callHeaders } from "../../protocol/headers.ts";

/** OpenAI's clients may ask to see more of a response than there ever is here. */
export const include = writeQuery("include[]", "Taken and not needed: what there is is always shown.", {
  type: "array",
  items: { type: "string" },
});
/** The header by which clients of Anthropic's API are known. */
export const anthropicVersion = {
  name: "anthropic-version",
  in: "header",
  required: false,
  description: "Sent by Anthropic's clients; the answer is then in their form.",
  schema: { type: "string" },
};

/** A parameter of the query, a text unless it is said. */
export function writeQuery(name: string, description: string, schema: object = { type: "string" }) {
  return { name, in: "query", required: false, description, schema };
}

/** A parameter that means something to clients of Anthropic's API alone. */
export function writeAnthropicQuery(name: string, what: string, schema: object = { type: "string" }) {
  return writeQuery(name, `${what} With \`anthropic-version\` alone.`, schema);
}

/** The parameters that a path names. */
export function writePathParameters(path: string): object[] {
  return Array.from(path.matchAll(/\{(\w+)[.]*\}/g), ([, name]) => ({
    name,
    in: "path",
    required: true,
    description: "Slashes may stand as they are.",
    schema: { type: "string", minLength: 1 },
  }));
}

/** The headers that a call of a model may have. */
export function writeCallParameters(): object[] {
  return Object.entries(callHeaders).map(([name, fact]) => ({ name, in: "header", required: false, ...fact }));
}
