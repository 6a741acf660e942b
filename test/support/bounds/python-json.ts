import { isRawNumber } from "#edge/agreements/exact-json.ts";
import { isObject } from "#edge/agreements/json.ts";

/** How a template prints JSON: one of the ways of Python's `json.dumps`, or of a port of Jinja that escapes HTML. */
export interface Printing {
  isAscii: boolean;
  isHtml: boolean;
  indent: number;
}

/** A float as Python writes it: positional from 1e-4 to 1e16, and never without a point or an exponent. */
export function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "", exponentText = ""] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (value === 0) return "0.0";
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const digits = mantissa.replace(/[-.]/g, "");
  const whole = exponent < 0 ? "0" : digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const part = exponent < 0 ? "0".repeat(-exponent - 1) + digits : digits.slice(exponent + 1);
  return `${value < 0 ? "-" : ""}${whole}.${part === "" ? "0" : part}`;
}

/** What Python reads as a float is one for ever; all else is an integer with all its digits. */
function writeNumber(source: string): string {
  return /[.e]/i.test(source) ? writeFloat(Number(source)) : String(BigInt(source));
}

function writeString(text: string, { isAscii, isHtml }: Printing): string {
  const quoted = JSON.stringify(text);
  const escaped = isHtml ? quoted.replace(/[<>&']/g, writeEscape) : quoted;
  return isAscii ? escaped.replace(/[^\0-\u007f]/g, writeEscape) : escaped;
}

function writeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Prints what `parseExact` read, as Python does. */
export function printPython(value: unknown, printing: Printing, depth = 0): string {
  if (typeof value === "string") return writeString(value, printing);
  if (typeof value === "number" || isRawNumber(value)) return writeNumber(JSON.stringify(value));
  const print = (inner: unknown) => printPython(inner, printing, depth + 1);
  if (Array.isArray(value)) return join("[]", value.map(print), printing, depth);
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, inner]) => `${writeString(name, printing)}: ${print(inner)}`);
  return join("{}", members, printing, depth);
}

function join(brackets: string, items: string[], { indent }: Printing, depth: number): string {
  if (items.length === 0) return brackets;
  if (indent === 0) return `${brackets[0]}${items.join(", ")}${brackets[1]}`;
  const line = (level: number) => `\n${" ".repeat(indent * level)}`;
  return `${brackets[0]}${line(depth + 1)}${items.join(`,${line(depth + 1)}`)}${line(depth)}${brackets[1]}`;
}
