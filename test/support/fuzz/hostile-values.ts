import fc from "fast-check";
import { isObject } from "#edge/agreements/json.ts";

/** Text that goes into a body as it is: numbers that JSON has and JavaScript writes otherwise, or cannot keep. */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A member that is sent twice; the last one counts. */
class Twice {
  readonly [member: string]: unknown;
  readonly values: readonly [unknown, unknown];
  constructor(first: unknown, second: unknown) {
    this.values = [first, second];
  }
}

const digits =
  "-0 0.0 2.0 1E2 1e400 -1e400 1e-400 5e-324 1.7976931348623157e308 9007199254740993 12345678901234567890 " +
  "-9223372036854775809 0.1000000000000000055511151231257827 3.0000000000000000001";
const rawNumbers = digits.split(" ").map((text) => new Raw(text));

const numbers = [-2, -1, 0, 1, 2, 7, 64, 65, 1.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 1e21, 1e308];
const words = "NaN Infinity null 0 true auto none text function __proto__ constructor a.b[0] ${x} <|im_start|> data:,";
const marks = ["", " ", "\u0000", "é", "e\u0301", "\ud800", "\udc00x", "a\ud83d", "\u202egnp.exe", "\ufb01\ufdfa"];
const texts = [...marks, ...words.split(" "), "🧑‍🧑‍🧒", "[DONE]\n\n", "x".repeat(300), "ab ".repeat(7_000)];

const deep = (levels: number, inner: unknown): unknown => (levels === 0 ? inner : [{ a: deep(levels - 1, inner) }]);
const proto = Object.fromEntries([["__proto__", { role: "user", isAdmin: true }]]);
const shapes: unknown[] = [null, true, false, [], {}, [[]], [null], [{}], { "": "" }, proto];
shapes.push({ constructor: 1 }, { toString: 1 });
/** Written once, since they are long. */
const many = Array.from({ length: 2_100 }, () => ({ role: "user" }));
const large = [deep(20, 1), deep(40, 1), Array(70).fill("x"), Array(600).fill(0), many];
const largeTexts = large.map((value) => new Raw(JSON.stringify(value)));

/** Values that nobody expects where they stand. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<unknown>(...rawNumbers, ...numbers, ...texts, ...shapes) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(...largeTexts) },
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

const strangeNames = ["__proto__", "constructor", "hasOwnProperty", "penstock_answer", "", "é", "a.b", "a[0]", "0"];

type Edit = { at: readonly number[]; by: unknown } & ({ how: "put" | "drop" | "twice" | "repeat" } | AddEdit);
interface AddEdit {
  how: "add";
  name: string;
}

/** What is done to one place of a body. `names` are those of members that somebody knows, wherever they stand. */
export function editsOf(names: readonly string[]): fc.Arbitrary<Edit> {
  const at = fc.array(fc.nat(30), { minLength: 1, maxLength: 6 });
  const how = fc.constantFrom("put", "put", "put", "drop", "twice", "repeat") as fc.Arbitrary<"put">;
  const name = fc.oneof(fc.constantFrom(...names), fc.constantFrom(...strangeNames), fc.constant("y".repeat(300)));
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ how, at, by: hostileValue }) },
    { weight: 1, arbitrary: fc.record({ how: fc.constant("add" as const), at, by: hostileValue, name }) },
  );
}

/** The value with one place of it changed; the numbers of `at` choose the way down. */
export function applyEdit(value: unknown, edit: Edit): unknown {
  return change(value, edit.at, edit);
}

function change(value: unknown, [step, ...rest]: readonly number[], edit: Edit): unknown {
  const isList = Array.isArray(value);
  if (step === undefined || (!isList && !isPlain(value))) return edit.by;
  const entries: [string, unknown][] = Object.entries(value);
  const isHere = rest.length === 0 || entries.length === 0;
  if (isHere && edit.how === "add") return isList ? [...value, edit.by] : define([...entries, [edit.name, edit.by]]);
  if (entries.length === 0) return edit.by;
  const chosen = step % entries.length;
  const changed = entries.flatMap(([name, one], index): [string, unknown][] => {
    if (index !== chosen) return [[name, one]];
    const isLeaf = isHere || !(Array.isArray(one) || isPlain(one));
    if (!isLeaf) return [[name, change(one, rest, edit)]];
    if (edit.how === "drop") return [];
    if (edit.how === "repeat")
      return isList
        ? [
            [name, one],
            [name, one],
          ]
        : [[name, one]];
    return [[name, edit.how === "twice" && !isList ? new Twice(edit.by, one) : edit.by]];
  });
  return isList ? changed.map(([, one]) => one) : define(changed);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !(value instanceof Raw) && !(value instanceof Twice);
}

/** `fromEntries` defines members: one called `__proto__` is one. */
function define(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries);
}

/** JSON of a value, with its raw numbers and its members that come twice. */
export function writeHostile(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (value instanceof Twice) return writeHostile(value.values[1]);
  if (Array.isArray(value)) return `[${value.map(writeHostile).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).flatMap(([name, one]) =>
    (one instanceof Twice ? one.values : [one]).map((own) => [name, own] as const),
  );
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${writeHostile(one)}`).join(",")}}`;
}
