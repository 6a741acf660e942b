import { makeInvalid, type Flaw } from "../problems.ts";
import { isRecord } from "../text/schema.ts";

/** What a field must be. Pydantic in its lax mode also takes numbers and booleans in strings. */
export type FieldKind = "integer" | "number" | "boolean" | "text";

/**
 * A request body whose known fields are checked once, and can then be read without checks. Unknown fields are ignored,
 * as vLLM does.
 */
export class Fields {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #values = new Map<string, number | boolean | string>();

  constructor(
    raw: Readonly<Record<string, unknown>>,
    kinds: Readonly<Record<string, FieldKind>>,
    flaws: readonly Flaw[] = [],
  ) {
    this.raw = raw;
    const all = [...flaws];
    for (const [name, kind] of Object.entries(kinds)) {
      const value = raw[name];
      if (value === undefined || value === null) continue;
      const read = readAs[kind](value);
      if (typeof read === "object") all.push({ ...read, loc: `body.${name}`, input: value });
      else this.#values.set(name, read);
    }
    if (all.length > 0) throw makeInvalid(all);
  }

  number(name: string): number | null {
    const value = this.#values.get(name);
    return typeof value === "number" ? value : null;
  }

  text(name: string): string | null {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : null;
  }

  /** Absent is false. */
  is(name: string): boolean {
    return this.#values.get(name) === true;
  }

  /** Strings given as one or as a list. */
  texts(name: string): string[] {
    const value = this.raw[name];
    return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === "string");
  }

  record(name: string): Record<string, unknown> {
    const value = this.raw[name];
    return isRecord(value) ? value : {};
  }

  list(name: string): readonly unknown[] {
    const value = this.raw[name];
    return Array.isArray(value) ? value : [];
  }
}

type Misfit = Pick<Flaw, "type" | "msg">;

const readAs: Record<FieldKind, (value: unknown) => number | boolean | string | Misfit> = {
  integer: (value) => {
    const number =
      typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)
        ? Number(value)
        : typeof value === "boolean"
          ? Number(value)
          : value;
    if (typeof number === "string")
      return { type: "int_parsing", msg: "Input should be a valid integer, unable to parse string as an integer" };
    if (typeof number !== "number") return { type: "int_type", msg: "Input should be a valid integer" };
    return Number.isInteger(number)
      ? number
      : { type: "int_from_float", msg: "Input should be a valid integer, got a number with a fractional part" };
  },
  number: (value) => {
    const number =
      typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value))
        ? Number(value)
        : typeof value === "boolean"
          ? Number(value)
          : value;
    if (typeof number === "string")
      return { type: "float_parsing", msg: "Input should be a valid number, unable to parse string as a number" };
    return typeof number === "number" ? number : { type: "float_type", msg: "Input should be a valid number" };
  },
  boolean: (value) => {
    if (typeof value === "boolean") return value;
    if (value === 1 || (typeof value === "string" && /^(1|true|t|yes|y|on)$/i.test(value))) return true;
    if (value === 0 || (typeof value === "string" && /^(0|false|f|no|n|off)$/i.test(value))) return false;
    if (typeof value === "string" || typeof value === "number")
      return { type: "bool_parsing", msg: "Input should be a valid boolean, unable to interpret input" };
    return { type: "bool_type", msg: "Input should be a valid boolean" };
  },
  text: (value) => (typeof value === "string" ? value : { type: "string_type", msg: "Input should be a valid string" }),
};

/** The flaws of `stop`, which may be one string or a list of them. */
export function findStopFlaws(stop: unknown): Flaw[] {
  const isFit =
    stop === undefined ||
    stop === null ||
    typeof stop === "string" ||
    (Array.isArray(stop) && stop.every((item) => typeof item === "string"));
  if (isFit) return [];
  const flaws: Flaw[] = [{ type: "string_type", loc: "body.stop", msg: "Input should be a valid string", input: stop }];
  if (!Array.isArray(stop))
    return [...flaws, { type: "list_type", loc: "body.stop", msg: "Input should be a valid list", input: stop }];
  const at = stop.findIndex((item) => typeof item !== "string");
  return [
    ...flaws,
    { type: "string_type", loc: `body.stop.${at}`, msg: "Input should be a valid string", input: stop[at] },
  ];
}

/** The body as an object. Throws vLLM's 400 for no body, broken JSON, or JSON that is no object. */
export function parseBody(text: string): Record<string, unknown> {
  if (text === "") throw makeInvalid([{ type: "missing", loc: "body", msg: "Field required", input: null }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const at = cause instanceof SyntaxError ? Number(/position (\d+)/.exec(cause.message)?.[1] ?? text.length) : 0;
    throw makeInvalid([
      {
        type: "json_invalid",
        loc: `body.${at}`,
        msg: "JSON decode error",
        input: {},
        ctx: { error: "Expecting value" },
      },
    ]);
  }
  if (isRecord(value)) return value;
  throw makeInvalid([
    {
      type: "model_attributes_type",
      loc: "body",
      msg: "Input should be a valid dictionary or object to extract fields from",
      input: value,
    },
  ]);
}
