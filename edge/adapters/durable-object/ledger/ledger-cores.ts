import { LedgerCore, nextDueMs } from "../../../ledger/core.ts";
import { createState } from "../../../ledger/state.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import type { SqliteJournal } from "./journal/ledger-journal.ts";

/** Orgs that stay in memory though nobody asks for them. */
const coresMax = 2_000;
/** How many are looked at, each time that one more is loaded, for one that can go. */
const lookedAtMax = 4;

/**
 * The ledgers of an object's orgs. In memory are those with open holds, those that have changed since their snapshot,
 * and those asked for last; any other is loaded when somebody asks for it. Nothing is shared between two orgs.
 */
export class LedgerCores {
  /** The one asked for longest ago comes first. */
  readonly #cores = new Map<OrgId, LedgerCore>();
  readonly #journal: SqliteJournal;
  readonly #isServed: (org: OrgId) => boolean;
  readonly #coresMax: number;

  /** `isServed` says of which orgs the ledger is here, and not on its way. */
  constructor(journal: SqliteJournal, isServed: (org: OrgId) => boolean, max: number = coresMax) {
    this.#journal = journal;
    this.#isServed = isServed;
    this.#coresMax = max;
    this.restore();
  }

  /** Forgets everything, and reads anew what must be known at once. */
  restore(): void {
    this.#cores.clear();
    for (const [org, state] of this.#journal.restore(this.#isServed))
      this.#cores.set(org, new LedgerCore(state, this.#journal.open(org)));
  }

  /** How many are in memory. */
  get size(): number {
    return this.#cores.size;
  }

  /** The ledger of an org. One that nobody has published to is not kept. */
  find(org: OrgId): LedgerCore {
    const known = this.#cores.get(org);
    if (known) {
      this.#cores.delete(org);
      this.#cores.set(org, known);
      return known;
    }
    // Whatever is no id is refused by the core itself, by name.
    const state = OrgIdForm.test(org) ? this.#journal.load(org) : null;
    const core = new LedgerCore(state ?? createState(), this.#journal.open(org));
    if (state) this.keep(org, core);
    return core;
  }

  /** Remembers the ledger of an org that was published. */
  keep(org: OrgId, core: LedgerCore): void {
    this.#makeRoom();
    this.#cores.set(org, core);
  }

  /** Forgets an org whose rows are gone or have gone elsewhere. */
  drop(org: OrgId): void {
    this.#cores.delete(org);
  }

  /**
   * Ends what is due, org by org: one that fails stops no other, and is reported.
   */
  expire(now: number, report: (org: OrgId, cause: unknown) => void): void {
    for (const org of new Set([...this.#cores.keys(), ...this.#journal.listLeaving(now)])) {
      try {
        (this.#cores.get(org) ?? this.find(org)).expire(now);
      } catch (cause) {
        report(org, cause);
      }
    }
  }

  /** Snapshots of all that have changed. */
  compact(now: number): void {
    this.#journal.compact((org) => this.find(org).state, now);
  }

  /** The next deadline of a hold of any org, or the time when the next key leaves; `Infinity` for neither. */
  nextDueMs(): number {
    let next = this.#journal.nextLeaveMs();
    for (const core of this.#cores.values()) next = Math.min(next, nextDueMs(core.state));
    return next;
  }

  #makeRoom(): void {
    if (this.#cores.size < this.#coresMax) return;
    // What is put back comes last, and would be come upon again only after all others.
    let looks = 0;
    for (const [org, core] of this.#cores) {
      if (looks++ === lookedAtMax) return;
      this.#cores.delete(org);
      const isIdle = this.#journal.isSaved(org) && nextDueMs({ ...core.state, leaving: {} }) === Infinity;
      if (!isIdle) this.#cores.set(org, core);
    }
  }
}

const OrgIdForm = /^org_[0-9A-Za-z]{10}$/;
