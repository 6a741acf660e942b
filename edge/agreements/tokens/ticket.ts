import { createHmac, createSecretKey } from "node:crypto";
import type { HoldId, NodeId } from "./ids.ts";
import { isSameText, type Keyring } from "./key-format.ts";

/** What a ticket is for: this hold, given to this node. */
export interface TicketTerms {
  hold: HoldId;
  node: NodeId;
}

/**
 * Proofs that a hold was sent to a node: the node gets its ticket with the call and shows it with each usage record, so
 * no other can settle that hold (L3). A ticket is an HMAC of ours, and nothing is stored.
 */
export interface Tickets {
  make(terms: TicketTerms): string;
  /** Whether the node may settle the hold. Takes as long for a wrong ticket as for a right one. */
  verify(ticket: string | undefined, terms: TicketTerms): boolean;
}

/** What no other HMAC under a tag key begins with: those are over `sk-pen-…`. */
const label = "penstock-ticket-1";
/** 132 bits, in base64url. */
const ticketChars = 22;
/** The longest ticket that a hop token and a usage record carry, in characters. */
export const ticketCharsMax = 64;
/** What a ticket may look like: characters that need no escape in a URL, in JSON or in a hop token. */
export const ticketForm = `[\\w.~-]{1,${ticketCharsMax}}`;

/**
 * Tickets are made under a key derived from the first tag key, and verified under each that is live, so that what a
 * node keeps on its disk outlasts the rotation of `TAG_KEYS`. `isOptional` takes records without a ticket as well, of
 * agents that do not know of tickets yet.
 */
export function openTickets({ tagKeys }: Pick<Keyring, "tagKeys">, isOptional = false): Tickets {
  const keys = Array.from(tagKeys.values(), (tagKey) =>
    createSecretKey(createHmac("sha256", tagKey).update(label).digest()),
  );
  const [first] = keys;
  if (!first) throw new TypeError("keyring is empty");
  const compute = (key: typeof first, { hold, node }: TicketTerms): string =>
    createHmac("sha256", key).update(`${node} ${hold}`).digest("base64url").slice(0, ticketChars);
  return {
    make: (terms) => compute(first, terms),
    verify(ticket, terms) {
      if (ticket === undefined) return isOptional;
      return keys.map((key) => isSameText(compute(key, terms), ticket)).includes(true);
    },
  };
}
