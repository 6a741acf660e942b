import type { LedgerCore, PlannedSettlement } from "../../../ledger/core.ts";
import type { OrgRecords, Settlement } from "../../../ledger/port.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import type { SqliteJournal } from "./journal/ledger-journal.ts";

/** The org's ledger has moved to an object of its own. */
export interface Moved {
  kind: "moved";
}

/** Nothing changed, and why. */
interface Failed {
  kind: "failed";
  cause: string;
}

/** What became of one org's records: they are settled, or its ledger is elsewhere, or it failed. */
export type OrgSettlement = { kind: "settled"; settlements: Settlement[] } | Moved | Failed;

/** Where the orgs of a batch are settled. `find` throws while an org cannot be served. */
interface Books {
  journal: SqliteJournal;
  find: (org: OrgId) => LedgerCore | Moved;
}

/** One org's part of a batch, decided and not booked. */
interface Planned extends PlannedSettlement {
  kind: "planned";
  org: OrgId;
  core: LedgerCore;
}

/**
 * Settles the records of many orgs, each org by itself, and stores what they change together, by one statement for each
 * kind of change. Should that fail, each org's are stored alone, so that only those that it fails for are refused.
 */
export function settleBatches(batches: OrgRecords[], books: Books, now: number): OrgSettlement[] {
  const isRepeated = new Set(batches.map(({ org }) => org)).size < batches.length;
  if (isRepeated) return batches.flatMap((batch) => settleBatches([batch], books, now));
  const parts = batches.map((batch) => attempt(() => plan(batch, books, now)));
  const isTogether = bookTogether(
    parts.filter((part) => part.kind === "planned"),
    books.journal,
  );
  return parts.map((part) => {
    if (part.kind !== "planned") return part;
    const { core, changes, settlements } = part;
    return attempt<OrgSettlement>(() => {
      if (isTogether) core.apply(changes);
      else core.book(changes);
      return { kind: "settled", settlements };
    });
  });
}

function plan({ org, records }: OrgRecords, { find }: Books, now: number): Planned | Moved {
  const core = find(org);
  return "kind" in core ? core : { kind: "planned", org, core, ...core.planSettlement(org, records, now) };
}

function bookTogether(parts: Planned[], journal: SqliteJournal): boolean {
  try {
    journal.writeAll(parts.flatMap(({ org, changes }) => changes.map((change) => ({ org, change }))));
    return true;
  } catch {
    return false;
  }
}

function attempt<T>(work: () => T): T | Failed {
  try {
    return work();
  } catch (cause) {
    return { kind: "failed", cause: cause instanceof Error ? cause.message : String(cause) };
  }
}
