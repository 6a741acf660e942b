import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { HmacKey } from "../hmac.ts";
import { parseObject } from "../json.ts";
import type { HoldId, NodeId } from "./ids.ts";
import { isSameText, type Keyring } from "./key-format.ts";
import { readLeasedTerms, type LeasedTerms } from "./lease.ts";

/** What a ticket is for: this hold, given to this node; of a call under a lease with all that its ledger will need. */
export interface TicketTerms {
  hold: HoldId;
  node: NodeId;
  leased?: LeasedTerms | undefined;
}

/** What a right ticket says of its hold. */
export interface ShownTicket {
  leased: LeasedTerms | null;
}

/**
 * Proofs that a hold was sent to a node: the node gets its ticket with the call and shows it with each usage record, so
 * no other can settle that hold (L3). A ticket is an HMAC of ours, and nothing is stored; before it stand, for a call
 * under a lease, the terms of its hold (`<base64url of JSON>.<HMAC>`).
 */
export interface Tickets {
  make(terms: TicketTerms): string;
  /**
   * What the ticket says, if the node may settle the hold; else `null`. Takes as long for a wrong ticket as for a right
   * one.
   */
  verify(ticket: string | undefined, terms: Pick<TicketTerms, "hold" | "node">): ShownTicket | null;
}

/** What no other HMAC under a tag key begins with: those are over `sk-pen-…`. */
const label = "penstock-ticket-1";
/** 132 bits, in base64url. */
const ticketChars = 22;
/** The longest ticket that a hop token and a usage record carry, in characters. */
export const ticketCharsMax = 1_024;
/** What a ticket may look like: characters that need no escape in a URL, in JSON or in a hop token. */
export const ticketForm = `[\\w.~-]{1,${ticketCharsMax}}`;

/**
 * Tickets are made under a key derived from the first tag key, and verified under each that is live, so that what a
 * node keeps on its disk outlasts the rotation of `TAG_KEYS`. `isOptional` takes records without a ticket as well, of
 * agents that do not know of tickets yet.
 */
export function openTickets({ tagKeys }: Pick<Keyring, "tagKeys">, isOptional = false): Tickets {
  const keys = Array.from(
    tagKeys.values(),
    (tagKey) => new HmacKey(createHmac("sha256", tagKey).update(label).digest()),
  );
  const [first] = keys;
  if (!first) throw new TypeError("keyring is empty");
  return {
    make({ leased, ...terms }) {
      const prefix = leased ? `${Buffer.from(JSON.stringify(leased)).toString("base64url")}.` : "";
      return prefix + computeMac(first, terms, prefix);
    },
    verify(ticket, terms) {
      if (ticket === undefined) return isOptional ? { leased: null } : null;
      const prefix = ticket.slice(0, ticket.indexOf(".") + 1);
      const mac = ticket.slice(prefix.length);
      if (!keys.map((key) => isSameText(computeMac(key, terms, prefix), mac)).includes(true)) return null;
      if (prefix === "") return { leased: null };
      const leased = readTerms(prefix);
      return leased && { leased };
    },
  };
}

function computeMac(key: HmacKey, { hold, node }: TicketTerms, prefix: string): string {
  return key.sign(prefix ? `${node} ${hold} ${prefix}` : `${node} ${hold}`).slice(0, ticketChars);
}

function readTerms(prefix: string): LeasedTerms | null {
  return readLeasedTerms(parseObject(Buffer.from(prefix, "base64url").toString("utf8")));
}
