import type { Denial, Ledger } from "./ledger/port.ts";
import type { BoundFactors } from "./admission/index.ts";
import type { Prices } from "./admission/prices.ts";
import type { Credential } from "./agreements/tokens/credential.ts";
import type { FindNodeKeys } from "./agreements/tokens/node-keys.ts";
import type { Tickets } from "./agreements/tokens/ticket.ts";
import type { ModelRecord } from "./agreements/records/model.ts";
import type { NodeRecord } from "./agreements/records/node.ts";
import type { Origin } from "./forwarding/index.ts";
import type { IpLimits, TokenKey, VerifiedKeys } from "./identity/index.ts";
import type { TierClassifier } from "./routing/index.ts";
import type { Fleet } from "./fleet/port.ts";
import type { ResponseStorage } from "./storage/index.ts";
import type { Visit } from "./visit.ts";

/** Everything the edge depends on, as one value. Only wiring.ts knows the adapters behind it. */
export interface Ports {
  /** Null turns the limit by address off. */
  ips: IpLimits | null;
  keys: VerifiedKeys;
  tokenKey: TokenKey;
  /** The header that tells a caller's address; null where none may be believed. */
  ipHeader: string | null;
  models: readonly ModelRecord[];
  /** What prices are millionths of, by ISO 4217. */
  currency: string;
  nodes: readonly NodeRecord[];
  nodeKeys: FindNodeKeys;
  ledger: Ledger;
  fleet: Fleet;
  /** Null where no responses can be stored. */
  storage: ResponseStorage | null;
  classifier: TierClassifier;
  boundFactors: BoundFactors;
  prices: Prices;
  /** Hears of each call that a limit refused; what it does is done behind the answer. */
  noteDenial(visit: Visit, credential: Credential, denial: Denial): void;
  origin: Origin;
  tickets: Tickets;
  /** How long after its deadline a call's hold stands. */
  holdGraceMs: number;
}
