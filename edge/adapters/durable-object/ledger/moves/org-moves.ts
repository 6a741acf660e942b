import type { OrgId } from "../../../../agreements/tokens/ids.ts";
import type { State } from "../../../../ledger/state.ts";
import type { Moved } from "../ledger-batch.ts";
import type { LedgerCores } from "../ledger-cores.ts";
import type { JournalStorage, SqliteJournal } from "../journal/ledger-journal.ts";
import {
  deleteRows,
  findLastSeq,
  hasRows,
  insertRows,
  listRows,
  noRows,
  readSteps,
  writeStep,
  type Arrival,
  type MoveStep,
  type OrgRows,
} from "./org-rows.ts";

export type { Arrival, OrgRows } from "./org-rows.ts";

/** Calls that run, or may run under a lease. */
function countOpen({ holds, leases }: State): number {
  return Object.values(leases).reduce((sum, { left }) => sum + left.calls, Object.keys(holds).length);
}

/**
 * Moves, exports and erases single orgs of an object. Each step is one transaction, is stored before it is answered,
 * and may be repeated. The org's own object serves it only after the shard has stopped to for good, whatever crashes in
 * between (docs/decisions/0016).
 */
export class OrgMoves {
  readonly #storage: JournalStorage;
  readonly #journal: SqliteJournal;
  readonly #steps: Map<OrgId, MoveStep>;

  constructor(storage: JournalStorage, journal: SqliteJournal) {
    this.#storage = storage;
    this.#journal = journal;
    this.#steps = journal.hasTables ? readSteps(storage.sql) : new Map<OrgId, MoveStep>();
  }

  /** Whether the org's ledger is in this object, and not on its way. */
  isServed(org: OrgId): boolean {
    const step = this.#steps.get(org);
    return step === undefined || step === "arrived";
  }

  /** `null` when the org is served here. Throws while it moves: nothing is lost, and repeating helps. */
  check(org: OrgId): Moved | null {
    if (this.isServed(org)) return null;
    if (this.#steps.get(org) === "forwarded") return { kind: "moved" };
    throw new Error("ledger: the org is being moved; try again");
  }

  /** In the own object: makes ready for the org, unless it has arrived or has a ledger there that did not move. */
  beginArrival(org: OrgId): Arrival {
    const { sql } = this.#storage;
    const step = this.#steps.get(org);
    if (step === "arrived") return { kind: "arrived" };
    if (step === undefined && this.#journal.hasTables && hasRows(sql, org)) return { kind: "occupied" };
    this.#journal.create();
    this.#note(org, "arriving");
    return { kind: "arriving", seq: findLastSeq(sql) };
  }

  /** In the shard: serves the org no more, and stores its last snapshot. */
  freeze(org: OrgId, cores: LedgerCores): void {
    if (!this.isServed(org)) return;
    this.#journal.create();
    this.#storage.transactionSync(() => {
      const { state } = cores.find(org);
      if (hasRows(this.#storage.sql, org)) this.#journal.saveOrg(org, state);
      writeStep(this.#storage.sql, org, "frozen");
    });
    this.#steps.set(org, "frozen");
    cores.drop(org);
  }

  /** Lists what is known of the org: its holds after `seq`, and with the last of them all else. */
  list(org: OrgId, seq: number): OrgRows | Moved {
    if (this.#steps.get(org) === "forwarded") return { kind: "moved" };
    if (!this.#journal.hasTables) return noRows;
    return listRows(this.#storage.sql, org, seq);
  }

  /** In the own object: takes in rows; with the last, the org has arrived. */
  takeRows(org: OrgId, rows: OrgRows, cores: LedgerCores): void {
    if (this.#steps.get(org) !== "arriving") return;
    this.#storage.transactionSync(() => {
      insertRows(this.#storage.sql, rows);
      if (rows.rest) writeStep(this.#storage.sql, org, "arrived");
    });
    if (!rows.rest) return;
    this.#steps.set(org, "arrived");
    cores.restore();
  }

  /**
   * In the shard: forgets the org but for where it has gone. Throws when it is served here: then it was not frozen, or
   * its own object has a ledger that did not come from here.
   */
  forward(org: OrgId, cores: LedgerCores, now: number): void {
    if (this.#steps.get(org) === "forwarded") return;
    this.#journal.create();
    const { sql } = this.#storage;
    if (this.isServed(org) && hasRows(sql, org)) throw new Error("ledger: the org has two ledgers, and none was moved");
    this.#delete(org, cores, now, () => writeStep(sql, org, "forwarded"));
    this.#steps.set(org, "forwarded");
  }

  /**
   * Deletes every row of the org, and where it has gone. Throws while a call runs or a line of its bill is not in D1.
   */
  erase(org: OrgId, cores: LedgerCores, now: number): void {
    if (!this.#journal.hasTables) return;
    const isMoved = this.check(org) !== null;
    const open = isMoved ? 0 : countOpen(cores.find(org).state);
    const rows = this.#journal.countOutbox(org);
    if (open + rows > 0) throw new Error(`ledger: ${open} calls run and ${rows} lines of the bill wait; try again`);
    const { sql } = this.#storage;
    this.#delete(org, cores, now, () => sql.exec("DELETE FROM moves WHERE org = ?", org));
    this.#steps.delete(org);
  }

  /** After the snapshots of all others, so that no number of a row that is gone is given again. */
  #delete(org: OrgId, cores: LedgerCores, now: number, note: () => void): void {
    cores.drop(org);
    this.#journal.forget(org);
    cores.compact(now);
    this.#storage.transactionSync(() => {
      deleteRows(this.#storage.sql, org);
      note();
    });
  }

  #note(org: OrgId, step: MoveStep): void {
    writeStep(this.#storage.sql, org, step);
    this.#steps.set(org, step);
  }
}
