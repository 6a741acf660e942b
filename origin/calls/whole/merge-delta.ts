import { isObject, type JsonObject } from "#edge/agreements/json.ts";

/** Members of a delta that name something: they are said once, and are not pieces of a text. */
const names: ReadonlySet<string> = new Set(["role", "id", "type", "name", "index", "object"]);

/**
 * Adds a delta to what has been put together so far: texts and lists are continued, objects are merged, of names the
 * first counts, and of anything else the last. A null changes nothing. So a member that we do not know is put together
 * as OpenAI's SDKs would do it.
 */
export function mergeDelta(whole: JsonObject, delta: JsonObject): void {
  for (const name in delta) {
    const part = delta[name];
    const known = whole[name];
    if (part === null || part === undefined) whole[name] ??= null;
    else if (name === "tool_calls" && Array.isArray(part)) whole[name] = mergeToolCalls(readList(known), part);
    else if (known === undefined || known === null) whole[name] = part;
    else if (names.has(name)) continue;
    else if (typeof part === "string" && typeof known === "string") whole[name] = known + part;
    else if (Array.isArray(part) && Array.isArray(known)) for (const item of part) known.push(item);
    else if (isObject(part) && isObject(known)) mergeDelta(known, part);
    else whole[name] = part;
  }
}

function readList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A piece belongs to the call with its index; without one, to the last call, unless it has an id of its own. */
function mergeToolCalls(calls: unknown[], pieces: unknown[]): unknown[] {
  for (const piece of pieces) {
    if (!isObject(piece)) continue;
    const known = findCall(calls.filter(isObject), piece);
    if (known) mergeDelta(known, piece);
    else {
      const call: JsonObject = {};
      mergeDelta(call, piece);
      calls.push(call);
    }
  }
  return calls;
}

function findCall(calls: JsonObject[], { index, id }: JsonObject): JsonObject | undefined {
  if (typeof index === "number") return calls.find((call) => call["index"] === index);
  return typeof id === "string" ? calls.find((call) => call["id"] === id) : calls.at(-1);
}
