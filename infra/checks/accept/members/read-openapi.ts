import { isObject, type JsonObject } from "#edge/agreements/json.ts";

/**
 * What an engine reads of its requests, by place: `chat.completions` is the body, `chat.completions.messages[]` one
 * message of it. `names` are the members there; `values` the fixed words that the place may be (a part's `type`, a
 * message's `role`).
 */
export type EngineMembers = ReadonlyMap<string, EnginePlace>;

/** The members and the fixed words of one place. */
export interface EnginePlace {
  names: Set<string>;
  values: Set<string>;
}

/** The requests that we send engines: how each begins its places, and its path at the engine. */
export const enginePaths = {
  "chat.completions": "/v1/chat/completions",
  completions: "/v1/completions",
  embeddings: "/v1/embeddings",
  tokenize: "/tokenize",
} as const;

/** Deeper nests are schemas of the caller's own. */
const depthMax = 12;

/**
 * Reads the members of every request that an OpenAPI document (3.1, as FastAPI writes it) has of `enginePaths`, all
 * alternatives of a value taken together. Throws a RangeError when it has none of them, or a request without members.
 */
export function readEngineMembers(document: unknown): EngineMembers {
  const places = new Map<string, EnginePlace>();
  for (const [request, path] of Object.entries(enginePaths)) {
    const schema = dig(document, "paths", path, "post", "requestBody", "content", "application/json", "schema");
    if (schema === undefined) continue;
    walk({ document, places }, schema, { place: request, refs: [] });
    if (!places.get(request)?.names.size) throw new RangeError(`${path} of this OpenAPI document has no members`);
  }
  if (places.size === 0) throw new RangeError("the OpenAPI document has none of our requests");
  return places;
}

interface Walk {
  document: unknown;
  places: Map<string, EnginePlace>;
}

interface Stand {
  place: string;
  /** Schemas on the way here: one that holds itself is read once. */
  refs: readonly string[];
}

function walk(on: Walk, schema: unknown, { place, refs }: Stand): void {
  if (!isObject(schema) || refs.length > depthMax) return;
  const { $ref: ref, properties, items } = schema;
  if (typeof ref === "string" && !refs.includes(ref))
    walk(on, dig(on.document, ...ref.replace("#/", "").split("/")), { place, refs: [...refs, ref] });
  for (const one of listAlternatives(schema)) walk(on, one, { place, refs });
  if (isObject(items)) walk(on, items, { place: `${place}[]`, refs });
  const words = [schema["const"], ...listItems(schema["enum"])].filter((word) => typeof word === "string");
  for (const word of words) openPlace(on, place).values.add(word);
  if (!isObject(properties)) return;
  for (const [name, inner] of Object.entries(properties)) {
    openPlace(on, place).names.add(name);
    walk(on, inner, { place: `${place}.${name}`, refs });
  }
}

function listAlternatives(schema: JsonObject): unknown[] {
  return ["anyOf", "oneOf", "allOf"].flatMap((name) => listItems(schema[name]));
}

function listItems(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function openPlace({ places }: Walk, place: string): EnginePlace {
  const found = places.get(place) ?? { names: new Set(), values: new Set() };
  places.set(place, found);
  return found;
}

function dig(value: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);
}

/**
 * The part of an OpenAPI document that `readEngineMembers` reads: our requests, and the schemas that they name. Texts
 * for people are left out.
 */
export function trimOpenApi(document: unknown): JsonObject {
  const kept: JsonObject = {};
  const paths: JsonObject = {};
  for (const path of Object.values(enginePaths)) {
    const schema = dig(document, "paths", path, "post", "requestBody", "content", "application/json", "schema");
    if (schema === undefined) continue;
    paths[path] = { post: { requestBody: { content: { "application/json": { schema: trim(schema) } } } } };
    keepSchemas(document, schema, kept);
  }
  return { openapi: dig(document, "openapi"), paths, components: { schemas: kept } };
}

function keepSchemas(document: unknown, from: unknown, kept: JsonObject): void {
  for (const [, name = ""] of JSON.stringify(from).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (name in kept) continue;
    const schema = dig(document, "components", "schemas", name);
    kept[name] = trim(schema);
    keepSchemas(document, schema, kept);
  }
}

/** `properties` may have members called `title` or `description` themselves. */
function trim(value: unknown, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((one) => trim(one));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name]) => isNames || (name !== "title" && name !== "description"));
  return Object.fromEntries(entries.map(([name, inner]) => [name, trim(inner, !isNames && name === "properties")]));
}
