import type { OrgId } from "../../../../agreements/tokens/ids.ts";
import { findPlacement, locateLedger, locateOwn, type Location } from "../../../../agreements/tokens/placement.ts";
import { within } from "../../../within.ts";
import { isMoved } from "../ledger-answers.ts";
import type { OrgLedger } from "../ledger-object.ts";
import { LedgerObjects } from "../ledger-objects.ts";
import type { Moved } from "../ledger-batch.ts";
import { noRows, type Arrival, type OrgRows } from "./org-rows.ts";

/** A step copies some megabytes at most. */
const stepMsMax = 30_000;

/** What an operator may do with the ledger of one org. */
export interface LedgerMover {
  /**
   * Moves an org from its shard to an object of its own; calls are refused for as long as that takes. Every step is
   * stored before the next, so after whatever failure the same command goes on. Does nothing for an org that is there.
   */
  move(org: OrgId): Promise<void>;
  /** All that an object knows of an org, in parts. */
  list(org: OrgId): AsyncGenerator<OrgRows>;
  /**
   * Deletes all that objects know of an org. Rejects while one of its calls runs or a line of its bill is not in D1.
   */
  erase(org: OrgId): Promise<void>;
}

/** Opens it over the objects that keep ledgers. */
export function openLedgerMover(namespace: DurableObjectNamespace<OrgLedger>): LedgerMover {
  const objects = new LedgerObjects(namespace);
  const receive = <T>(question: () => Promise<T>) => within(stepMsMax, "ledger", question());
  const listPart = async (at: Location, org: OrgId, seq: number): Promise<OrgRows | Moved> =>
    objects.open(at).list(org, seq);
  const nextSeq = ({ holds }: OrgRows, seq: number) => Number(holds.at(-1)?.["seq"] ?? seq);
  return {
    move: async (org) => {
      if (findPlacement(org) === "own") return;
      const [from, to] = [locateLedger(org), locateOwn(org)];
      const [shard, own] = [objects.open(from), objects.open(to)];
      const arrival = await receive<Arrival>(async () => own.beginArrival(org));
      if (arrival.kind === "arriving") {
        await receive(async () => shard.freeze(org));
        for (let seq = arrival.seq, isWhole = false; !isWhole;) {
          const listed = await receive(() => listPart(from, org, seq));
          const rows = isMoved(listed) ? noRows : listed;
          await receive(async () => own.takeRows(org, rows));
          seq = nextSeq(rows, seq);
          isWhole = rows.rest !== null;
        }
      }
      await receive(async () => shard.forward(org));
    },
    list: async function* (org) {
      for (let seq = 0, isWhole = false; !isWhole;) {
        const listed = await receive(() => listPart(locateLedger(org), org, seq));
        const rows = isMoved(listed) ? await receive(() => listPart(locateOwn(org), org, seq)) : listed;
        if (isMoved(rows)) return;
        yield rows;
        seq = nextSeq(rows, seq);
        isWhole = rows.rest !== null;
      }
    },
    erase: async (org) => {
      await receive(async () => objects.open(locateOwn(org)).erase(org));
      if (findPlacement(org) === "shards") await receive(async () => objects.open(locateLedger(org)).erase(org));
    },
  };
}
