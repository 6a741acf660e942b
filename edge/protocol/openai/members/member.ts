import { z } from "zod";
import type { JsonObject } from "../../../agreements/json.ts";
import { Refusal } from "../../../errors.ts";
import { ignoredMax } from "../../../limits.ts";

/**
 * What becomes of one member of a request's body, and why.
 * - `forwarded`: goes to the engine, within the bound of its schema.
 * - `ours`: is read within its bound, and what the engine gets in its place is ours.
 * - `accepted`: changes no answer, and is not forwarded.
 * - `refused`: would change the answer and cannot be had; `instead` is the end of the sentence that says so.
 * A member without a row is not forwarded, and the answer says so (`x-penstock-ignored`).
 */
export type Member =
  | Read<z.ZodType>
  | { fate: "accepted"; why: string }
  | { fate: "refused"; instead: string; isHarmless: (value: unknown, body: JsonObject) => boolean };

/** The members of one kind of object, by name. */
export type MemberTable = Readonly<Record<string, Member>>;

/** A member that is read. `shown` is its schema as the API's document tells it. */
interface Read<Schema extends z.ZodType> {
  fate: "forwarded" | "ours";
  schema: Schema;
  shown: z.ZodType;
  why: string;
  isRequired: boolean;
  /** An empty string, list or object says nothing: SDKs and forms send it for what nobody filled in. */
  mayBeEmpty?: true;
}

/**
 * A member that goes on, or may be left out. `shown` is its schema as the API's document tells it, where the one that
 * calls are read with is checked by hand.
 */
export function forwarded<Schema extends z.ZodType>(
  schema: Schema,
  why: string,
  shown: z.ZodType = schema,
): Read<z.ZodOptional<Schema>> {
  return { fate: "forwarded", schema: schema.optional(), shown, why, isRequired: false };
}

/** A member that goes on, and must be there. */
export function required<Schema extends z.ZodType>(
  schema: Schema,
  why: string,
  shown: z.ZodType = schema,
): Read<Schema> {
  return { fate: "forwarded", schema, shown, why, isRequired: true };
}

/** A member that is read by us, and in whose place the engine gets what we set. */
export function ours<Schema extends z.ZodType>(schema: Schema, why: string): Read<z.ZodOptional<Schema>> {
  return { fate: "ours", schema: schema.optional(), shown: schema, why, isRequired: false };
}

/** The same, and an empty value says nothing. */
export function orEmpty<Schema extends z.ZodType>(member: Read<Schema>): Read<Schema> {
  return { ...member, mayBeEmpty: true };
}

/** A member that changes no answer and is not forwarded. */
export function accepted(why: string): Member {
  return { fate: "accepted", why };
}

/** A member that is refused by name, unless its value asks for nothing. */
export function refused(instead: string, isHarmless: (value: unknown, body: JsonObject) => boolean = isUnsent): Member {
  return { fate: "refused", instead, isHarmless };
}

/** The schemas of the members that are read. */
export type ShapeOf<Table extends MemberTable> = {
  [Name in keyof Table as Table[Name] extends { schema: z.ZodType } ? Name : never]: Table[Name] extends {
    schema: infer Schema;
  }
    ? Schema
    : never;
};

/** The schemas of a table's members that are read, for `z.object`. */
export function readShape<Table extends MemberTable>(table: Table): ShapeOf<Table> {
  const shape: Record<string, z.ZodType> = {};
  for (const [name, member] of Object.entries(table)) if ("schema" in member) shape[name] = member.schema;
  const isShape = (some: Record<string, z.ZodType>): some is Record<string, z.ZodType> & ShapeOf<Table> =>
    Object.entries(table).every(([name, member]) => "schema" in member === name in some);
  if (!isShape(shape)) throw new TypeError("a member is not its own");
  return shape;
}

/** The same as the API's document tells them: each with its sentence, and what is accepted beside them. */
export function describeMembers(table: MemberTable): z.ZodObject {
  const shown = Object.entries(table).flatMap(([name, member]): [string, z.ZodType][] => {
    if (member.fate === "refused") return [];
    if (member.fate === "accepted") return [[name, z.unknown().optional().describe(member.why)]];
    const schema = member.shown.describe(member.why);
    return [[name, member.isRequired ? schema : schema.nullish().describe(member.why)]];
  });
  return z.looseObject(Object.fromEntries(shown));
}

/**
 * Returns an object with the members that its table lets on: known, and saying something. Refuses by name what would
 * change the answer and cannot be had. `path` is the object's own, `null` for the body. An object with nothing to leave
 * out is returned as it is.
 */
export function pickMembers(
  object: JsonObject,
  table: MemberTable,
  ignored: IgnoredMembers,
  path: string | null = null,
): JsonObject {
  let hasDropped = false;
  const kept: [string, unknown][] = [];
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (maySend({ name, value, object, table }, ignored, path)) kept.push([name, value]);
    else hasDropped = true;
  }
  // `fromEntries` defines members: one called `__proto__` stays a plain member.
  return hasDropped ? Object.fromEntries(kept) : object;
}

interface SentMember {
  name: string;
  value: unknown;
  object: JsonObject;
  table: MemberTable;
}

function maySend({ name, value, object, table }: SentMember, ignored: IgnoredMembers, path: string | null): boolean {
  const member = Object.hasOwn(table, name) ? table[name] : undefined;
  if (value === null || value === undefined) return false;
  if (member === undefined) {
    // vLLM's older names for a form of the answer: newer engines ignore them, and the answer would have none.
    if (path === null && name.startsWith("guided_") && !isUnsent(value))
      throw refuseMember(cleanName(name), "use 'structured_outputs'");
    ignored.add(path, name);
    return false;
  }
  if (member.fate === "accepted") return false;
  if (member.fate !== "refused") return member.mayBeEmpty !== true || !isUnsent(value);
  if (value === false || member.isHarmless(value, object)) return false;
  throw refuseMember(path === null ? name : `${path}.${name}`, member.instead);
}

/** The refusal of a member that cannot be had; `instead` is the end of a sentence. */
export function refuseMember(param: string, instead: string, what = `'${param}'`): Refusal {
  return new Refusal("unsupported_parameter", { param, message: `${what} is not supported: ${instead}.` });
}

/** Tells a value that says nothing: absent, null, or empty. SDKs and forms send such for what nobody filled in. */
export function isUnsent(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && isEmpty(value);
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

/** The names of members that were not forwarded because no table knows them, for the header that says so. */
export class IgnoredMembers {
  readonly #names = new Set<string>();

  /** Adds a name of the caller's own, cleaned; `path` is ours. What is too much to list is left out. */
  add(path: string | null, name: string): void {
    if (this.#names.size >= ignoredMax) return;
    this.#names.add(path === null ? cleanName(name) : `${path}.${cleanName(name)}`);
  }

  /** Adds those that another reader of the same body has ignored. */
  addAll(others: IgnoredMembers): void {
    for (const name of others.#names) if (this.#names.size < ignoredMax) this.#names.add(name);
  }

  /** `x-penstock-ignored: a,messages[].b`; none when nothing was ignored. */
  get headers(): Record<string, string> {
    return this.#names.size === 0 ? {} : { [ignoredHeader]: Array.from(this.#names).join(",") };
  }
}

/** Names the members of a body that were not forwarded because nobody here knows them. */
export const ignoredHeader = "x-penstock-ignored";

/** A member's name as it may be repeated to its caller: 64 plain characters at most. */
export function cleanName(name: string): string {
  return name.replace(/[^\w-]/g, "?").slice(0, 64);
}
