import fc from "fast-check";
import { shortText } from "./hostile-texts.ts";

/** Numbers as callers may write them; Python writes most of them longer. */
const number = fc.oneof(
  fc.constantFrom("1e15", "-1e15", "1e308", "-0.0", "1E+2", "1e-7", "5e-324", "0.1", "1.10", "1e400", "-0", "1"),
  fc.constantFrom("9".repeat(200), "1".repeat(30), "0.00001", "12345678901234567.5", "-2.2250738585072014e-308"),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential()),
  fc.integer().map(String),
);

/** A string as JSON, with the escapes that callers may choose: all, or none but those that must be. */
const quoted = fc
  .tuple(shortText, fc.boolean())
  .map(([text, isEscaped]) => (isEscaped ? escapeAll(text) : JSON.stringify(text)));

function escapeAll(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, "0"));
  return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
}

const scalar = fc.oneof(
  { weight: 3, arbitrary: number },
  { weight: 3, arbitrary: quoted },
  { weight: 1, arbitrary: fc.constantFrom("true", "false", "null") },
);

/** JSON text of a value that is nested up to `depth` levels. */
function nest(depth: number): fc.Arbitrary<string> {
  if (depth === 0) return scalar;
  const inner = nest(depth - 1);
  const list = fc.array(fc.oneof({ weight: 3, arbitrary: scalar }, inner), { maxLength: 5 });
  return fc.oneof(
    { weight: 2, arbitrary: scalar },
    { weight: 2, arbitrary: list.map((items) => `[${items.join(",")}]`) },
    { weight: 3, arbitrary: nestObject(inner) },
  );
}

function nestObject(inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const name = fc.oneof(fc.constantFrom('"type"', '"q"', '"description"'), quoted);
  return fc
    .array(fc.tuple(name, inner), { maxLength: 4 })
    .map((members) => `{${members.map(([key, value]) => `${key}:${value}`).join(",")}}`);
}

/** JSON text of an object: arguments, a schema, a document. */
export const hostileObject = nestObject(nest(2));
/** JSON text of any value. */
export const hostileJson = nest(3);

const content = fc.oneof(
  quoted,
  fc
    .array(
      fc
        .tuple(fc.constantFrom("text", "input_text", "output_text"), quoted)
        .map(([type, text]) => `{"type":"${type}","text":${text}}`),
      { minLength: 1, maxLength: 3 },
    )
    .map((parts) => `[${parts.join(",")}]`),
);
const toolCall = fc
  .tuple(quoted, hostileObject)
  .map(
    ([name, given]) => `{"id":"c","type":"function","function":{"name":${name},"arguments":${JSON.stringify(given)}}}`,
  );

const message = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom("system", "user"), content).map(([role, said]) => write(role, said)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(content, quoted, fc.array(toolCall, { minLength: 1, maxLength: 3 }))
      .map(([said, thought, calls]) =>
        write("assistant", said, `,"reasoning_content":${thought},"tool_calls":[${calls.join(",")}]`),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        content,
        hostileJson.map((json) => JSON.stringify(json)),
      )
      .map((said) => write("tool", said, ',"tool_call_id":"c"')),
  },
);

function write(role: string, said: string, more = ""): string {
  return `{"role":"${role}","content":${said}${more}}`;
}

const tool = fc
  .tuple(quoted, quoted, hostileObject)
  .map(
    ([name, text, schema]) =>
      `{"type":"function","function":{"name":${name},"description":${text},"parameters":${schema}}}`,
  );
const list = (item: fc.Arbitrary<string>) => fc.array(item, { maxLength: 3 }).map((items) => `[${items.join(",")}]`);

/** The JSON text of a chat's body in which everything is hostile that a template may print. */
export const hostileChat = fc
  .tuple(
    fc.array(message, { minLength: 1, maxLength: 4 }),
    list(tool),
    list(hostileObject),
    hostileObject,
    hostileObject,
  )
  .map(
    ([messages, tools, documents, kwargs, schema]) =>
      `{"model":"m","messages":[${messages.join(",")}],"tools":${tools},"documents":${documents},` +
      `"chat_template_kwargs":${kwargs},"response_format":{"type":"json_schema","json_schema":${schema}}}`,
  );
