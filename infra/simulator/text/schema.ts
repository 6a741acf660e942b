import { mix } from "./hash.ts";
import { generateMatch } from "./regex.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = Record<string, unknown>;

/** Narrowest useful look at unknown JSON. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const depthMax = 16;

/**
 * A JSON value that a schema accepts, the same one for the same `seed`. Knows types, properties, items, enum, const,
 * any/one/allOf, `$ref` within the document, and bounds of numbers, strings and arrays; patterns as
 * far as regex.ts knows them; does not know conditionals.
 */
export function fillSchema(schema: unknown, seed: number): Json {
  return new Maker(schema, seed).make(schema, 0);
}

class Maker {
  readonly #root: unknown;
  #state: number;

  constructor(root: unknown, seed: number) {
    this.#root = root;
    this.#state = seed;
  }

  make(schema: unknown, depth: number): Json {
    if (!isRecord(schema)) return {};
    const whole = this.#resolve(schema, depth);
    if ("const" in whole) return toJson(whole["const"]);
    if (Array.isArray(whole["enum"])) return toJson(whole["enum"][this.#below(whole["enum"].length)]);
    if (typeof whole["pattern"] === "string" && (whole["type"] ?? "string") === "string")
      return generateMatch(whole["pattern"], this.#below(0x7fff_ffff));
    for (const choice of [whole["anyOf"], whole["oneOf"]]) {
      if (!Array.isArray(choice)) continue;
      // Past the depth the last alternative is taken: recursive schemas commonly end with null.
      const taken = asSchema(choice[depth < depthMax ? this.#below(choice.length) : choice.length - 1]);
      return this.make(merge({ ...whole, anyOf: undefined, oneOf: undefined }, taken), depth + 1);
    }
    return this.#makeType(whole, depth);
  }

  #makeType(schema: Schema, depth: number): Json {
    const types: unknown[] = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"]];
    const type = depth < depthMax || !types.includes("null") ? types[0] : "null";
    if (type === "object" || isRecord(schema["properties"])) return this.#makeObject(schema, depth);
    if (type === "array") return this.#makeArray(schema, depth);
    if (type === "integer" || type === "number") return this.#makeNumber(schema, type === "integer");
    if (type === "boolean") return this.#below(2) === 1;
    if (type === "null") return null;
    return type === "string" ? this.#makeString(schema) : {};
  }

  #makeObject(schema: Schema, depth: number): Json {
    const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const filled: { [key: string]: Json } = {};
    for (const [name, property] of Object.entries(properties)) {
      if (property !== false && (depth < depthMax || required.includes(name)))
        filled[name] = this.make(property, depth + 1);
    }
    const extra = isRecord(schema["additionalProperties"]) ? schema["additionalProperties"] : { type: "string" };
    const absent = required.filter((name) => typeof name === "string" && !Object.hasOwn(filled, name));
    for (const name of absent) filled[String(name)] = this.make(extra, depth + 1);
    const least = toNumber(schema["minProperties"]) ?? 0;
    for (let at = 1; Object.keys(filled).length < least; at++) filled[`key${at}`] = this.make(extra, depth + 1);
    return filled;
  }

  #makeArray(schema: Schema, depth: number): Json {
    const first: unknown[] = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : [];
    const least = Math.max(toNumber(schema["minItems"]) ?? 0, schema["items"] === false ? 0 : first.length);
    const most = toNumber(schema["maxItems"]) ?? least + 2;
    const length = depth < depthMax ? Math.max(least, Math.min(most, least + this.#below(3))) : least;
    const makeItem = (at: number) => this.make(first[at] ?? schema["items"] ?? { type: "string" }, depth + 1);
    const items = Array.from({ length: Math.min(length, schema["items"] === false ? first.length : length) }, (_, at) =>
      makeItem(at),
    );
    return schema["uniqueItems"] === true ? this.#makeUnique(items, makeItem, least) : items;
  }

  /** Draws again for what stands twice; gives up where there are too few values. */
  #makeUnique(items: readonly Json[], makeItem: (at: number) => Json, least: number): Json[] {
    const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
    for (let tries = 0; byText.size < least && tries < 200; tries++) {
      const item = makeItem(items.length);
      byText.set(JSON.stringify(item), item);
    }
    return [...byText.values()];
  }

  #makeNumber(schema: Schema, isInteger: boolean): number {
    const step = toNumber(schema["multipleOf"]) ?? (isInteger ? 1 : 0.5);
    const above = toNumber(schema["exclusiveMinimum"]);
    const below = toNumber(schema["exclusiveMaximum"]);
    const least = above === null ? toNumber(schema["minimum"]) : above + step;
    const most = below === null ? toNumber(schema["maximum"]) : below - step;
    const lowest = Math.ceil((least ?? Math.min(0, most ?? 0)) / step);
    const highest = Math.floor((most ?? lowest * step + 100 * step) / step);
    return (lowest + this.#below(Math.max(1, Math.min(highest - lowest + 1, 1_000)))) * step;
  }

  #makeString(schema: Schema): string {
    const formats: Record<string, string> = {
      "date-time": "2026-11-21T10:00:00Z",
      date: "2026-11-21",
      time: "10:00:00Z",
      email: "mill@example.com",
      uri: "https://example.com/",
      ipv4: "192.0.2.1",
      uuid: "00000000-0000-4000-8000-000000000000",
    };
    const known = formats[String(schema["format"])];
    if (known !== undefined) return known;
    const words = ["water", "gate", "mill", "river", "wheel", "stone"];
    let text = words[this.#below(words.length)] ?? "";
    while (text.length < (toNumber(schema["minLength"]) ?? 0)) text += ` ${words[this.#below(words.length)] ?? ""}`;
    return text.slice(0, toNumber(schema["maxLength"]) ?? text.length);
  }

  #resolve(schema: Schema, depth: number): Schema {
    let whole = schema;
    const reference = schema["$ref"];
    if (typeof reference === "string" && depth < 4 * depthMax) {
      const path = reference
        .replace(/^#\/?/, "")
        .split("/")
        .filter((part) => part !== "")
        .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
      const target = path.reduce<unknown>(
        (at, part) => (isRecord(at) ? at[part] : Array.isArray(at) ? at[Number(part)] : undefined),
        this.#root,
      );
      whole = { ...asSchema(target), ...schema, $ref: undefined };
      if (isRecord(target) && "$ref" in target) whole = this.#resolve(target, depth + 1);
    }
    if (!Array.isArray(whole["allOf"])) return whole;
    const parts = whole["allOf"].map((part) => this.#resolve(asSchema(part), depth + 1));
    return [...parts, { ...whole, allOf: undefined }].reduce(merge, {});
  }

  #below(bound: number): number {
    this.#state = mix(this.#state, 11);
    return bound > 0 ? this.#state % bound : 0;
  }
}

/** A schema narrowed by another: properties and required names of both. */
function merge(one: Schema, other: Schema): Schema {
  const required = [one["required"], other["required"]].flatMap((names): unknown[] =>
    Array.isArray(names) ? names : [],
  );
  return {
    ...one,
    ...other,
    ...(required.length > 0 && { required: [...new Set(required)] }),
    ...((isRecord(one["properties"]) || isRecord(other["properties"])) && {
      properties: { ...asSchema(one["properties"]), ...asSchema(other["properties"]) },
    }),
  };
}

const asSchema = (value: unknown): Schema => (isRecord(value) ? value : {});
const toNumber = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** A value that came from JSON is JSON; anything else is null. */
function toJson(value: unknown): Json {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value;
  if (Array.isArray(value)) return value.map(toJson);
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]))
    : null;
}
