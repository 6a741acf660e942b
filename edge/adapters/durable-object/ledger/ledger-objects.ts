import type { OrgId } from "../../../agreements/tokens/ids.ts";
import { locateLedger, locateOwn, type Location } from "../../../agreements/tokens/placement.ts";
import type { OrgLedger } from "./ledger-object.ts";

/** Ids of objects and orgs known to have moved that an isolate remembers; the oldest go first. */
const idsMax = 4_096;
const movedMax = 10_000;

/** Finds the objects that keep ledgers: by an org's id alone, and by what shards have answered of orgs that moved. */
export class LedgerObjects {
  readonly #namespace: DurableObjectNamespace<OrgLedger>;
  readonly #ids = new Map<string, DurableObjectId>();
  readonly #moved = new Set<OrgId>();

  constructor(namespace: DurableObjectNamespace<OrgLedger>) {
    this.#namespace = namespace;
  }

  /** Where an org's ledger is, as far as is known here. */
  locate(org: OrgId): Location {
    return this.#moved.has(org) ? locateOwn(org) : locateLedger(org);
  }

  /** The stub of an object. */
  open({ name, region }: Location): DurableObjectStub<OrgLedger> {
    let id = this.#ids.get(name);
    if (!id) {
      id = this.#namespace.idFromName(name);
      if (this.#ids.size >= idsMax) forgetOldest(this.#ids);
      this.#ids.set(name, id);
    }
    return region === null ? this.#namespace.get(id) : this.#namespace.get(id, { locationHint: region });
  }

  /** Remembers that a shard has named an org as moved, and answers where it is now. */
  forward(org: OrgId): Location {
    if (this.#moved.size >= movedMax) forgetOldest(this.#moved);
    this.#moved.add(org);
    return locateOwn(org);
  }
}

function forgetOldest(known: Map<string, unknown> | Set<string>): void {
  const [oldest] = known.keys();
  if (oldest !== undefined) known.delete(oldest);
}
