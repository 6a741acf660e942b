import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { nameBytesMax } from "../../../limits.ts";
import type { Recalled } from "../../wires/wire.ts";
import { checkMembers, checkText } from "../members/checks.ts";

/** Who can have responses stored, as the end of a sentence. */
export const howStored =
  "this org keeps no responses, until one of its admins or an operator sets for how long ('penstock orgs retain')";
/** What to do about an item that stands for one that is not stored, as the end of a sentence. */
export const unstoredItem =
  howStored + "; send the item itself (clients that send references stop with 'store': false)";

/** An item that stands for a stored one. */
export const findReferenceFault = checkMembers({ id: checkText(nameBytesMax, 1) }, ["id"]);

/** Is this an item that stands for a stored one? */
export function isReference(item: unknown): item is JsonObject {
  return isObject(item) && item["type"] === "item_reference";
}

/** A list of items with stored ones in the place of what refers to them. */
export function replaceReferences(input: unknown, { referenced }: Pick<Recalled, "referenced">): unknown {
  if (!Array.isArray(input) || referenced.size === 0) return input;
  return input.map((item: unknown) => (isReference(item) ? (referenced.get(String(item["id"])) ?? item) : item));
}
