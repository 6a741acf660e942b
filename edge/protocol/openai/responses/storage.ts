import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { Refusal } from "../../../errors.ts";
import { parseBody } from "../../fields.ts";
import { quoteName } from "../../quote.ts";
import type { StorageWish } from "../../wires/wire.ts";
import { isUnsent, refuseMember } from "../members/member.ts";
import { storageMembers } from "./members.ts";
import { howStored, isReference } from "./references.ts";

const unstored = `${howStored}; till then send the whole conversation in 'input', and 'store' as false or not at all`;

/**
 * Reads what a body says of storage; null where it is to be left alone: it says `store: false` and asks for nothing
 * that is stored. Throws a Refusal that names the member.
 */
export function readStorageWish(json: unknown): StorageWish | null {
  if (!isObject(json)) return null;
  const { store, previous_response_id: previous, input } = json;
  const sent = { ...(!isUnsent(store) && { store }), ...(!isUnsent(previous) && { previous_response_id: previous }) };
  const wish = parseBody(storageMembers, sent);
  const named = readReferences(input);
  const isAlone = wish.store === false && wish.previous_response_id === undefined && named.size === 0;
  if (isAlone) return null;
  return { previous: wish.previous_response_id ?? null, store: wish.store ?? null, references: Array.from(named) };
}

/** Each once: an item that is short to name may be long, and a body could name it a thousand times. */
function readReferences(input: unknown): Set<string> {
  const named = new Set<string>();
  for (const { id } of Array.isArray(input) ? input.filter(isReference) : []) {
    if (typeof id !== "string") continue;
    if (named.has(id)) {
      const message = `'input' refers to the item '${quoteName(id)}' twice; leave one out.`;
      throw new Refusal("invalid_value", { param: "input", message });
    }
    named.add(id);
  }
  return named;
}

/** Refuses what an org without storage cannot have, by the name of its member. */
export function refuseUnstored({ previous }: Pick<StorageWish, "previous">): Refusal {
  return refuseMember(previous === null ? "store" : "previous_response_id", unstored);
}

/** The input of a body as items, as they are stored: text is a message of the user. */
export function writeInputItems(input: unknown): JsonObject[] {
  if (typeof input === "string")
    return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
  const items: unknown[] = Array.isArray(input) ? input : [];
  return items.filter(isObject);
}
