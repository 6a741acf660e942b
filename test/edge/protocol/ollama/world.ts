import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import type { ForeignEndpoint } from "#edge/agreements/paths.ts";
import { readCall, type Call } from "#edge/protocol/openai/call.ts";
import type { TranslatedCall, Wire } from "#edge/protocol/wires/wire.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

/** Three pixels of nothing, as far as anybody here looks. */
export const png = "iVBORw0KGgoAAAANSUhEUg==";

/** A body as a wire translates it. */
export function translate(wire: Wire, body: unknown): TranslatedCall & { json: JsonObject } {
  return translateText(wire, JSON.stringify(body));
}

/** The same of a body that is given as text, its numbers as they are written there. */
export function translateText(wire: Wire, text: string): TranslatedCall & { json: JsonObject } {
  const exact = parseExact(text);
  const translated = wire.translate({
    json: JSON.parse(text),
    exact: isObject(exact) ? exact : null,
    headers: new Headers(),
    models: testModels,
  });
  if (!isObject(translated.json)) throw new TypeError("no object");
  return { ...translated, json: translated.json };
}

/** A body as the edge reads it: translated, and through the tables of the engines' endpoint. */
export function readAt(endpoint: ForeignEndpoint, body: unknown): Promise<Call> {
  return readCall(visitOf(posted(body)), endpoint, testModels);
}
