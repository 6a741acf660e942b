import type { CountColumn } from "../agreements/records/usage-columns.ts";
import type { Endpoint, Price, Tier } from "../agreements/records/model.ts";
import { computeCostMicros } from "../agreements/records/model.ts";
import type { HoldId, KeyId, ProjectId } from "../agreements/tokens/ids.ts";
import type { LeaseId } from "../agreements/tokens/lease.ts";
import type { KeyRecord } from "../agreements/records/key.ts";
import type { OrgRecord } from "../agreements/records/org.ts";
import type { ProjectRecord } from "../agreements/records/project.ts";
import type { daySlots, monthSlots, slidingSlots } from "../agreements/records/windows.ts";
import type { Amounts, FirstCall, LimitOwner, UsageEnd, UsageRow } from "./port.ts";
import type { SlidingWindow, Use } from "./windows.ts";

/**
 * All that one org's ledger needs to decide, as plain data (JSON): its size follows keys and calls in flight, never
 * history. Holds that have ended and idempotency keys are looked up in the journal and handed to the functions that
 * need them (`Ended`, `EarlierCall`).
 */
export interface State {
  /**
   * The latest time any change was booked at. A clock that steps back is read as this, so nothing resets twice (Q6).
   */
  atMs: number;
  org: OrgRecord | null;
  keys: Record<string, KeyRecord>;
  /** Archived ones stay: they may come back, and what was used of their windows with them. */
  projects: Record<string, ProjectRecord>;
  /** When each key that was revoked or expires will leave this ledger, by its id (leave.ts). */
  leaving: Record<string, number>;
  /**
   * The org's counters under `org`; under its id those of each project that a key was booked in; and under its
   * lineage's id those of each key that was booked while it had limits of its own: a key and its successors share them.
   */
  counters: Record<string, Counters>;
  /** Open holds only. */
  holds: Record<string, Hold>;
  /** Leases that are not used up: they run, or calls that were admitted under them may not have been settled. */
  leases: Record<string, Lease>;
}

/**
 * The counters of one org, one project or one key. A call is counted where it was admitted; its settlement changes
 * those same counts, and only while they are current.
 */
export type Counters = Record<(typeof slidingSlots)[number], SlidingWindow> & {
  open: number;
  day: { day: number } & Record<(typeof daySlots)[number], Use>;
  month: { month: number } & Record<(typeof monthSlots)[number], Use>;
};

/** A ledger nobody has published to yet. */
export function createState(): State {
  return { atMs: 0, org: null, keys: {}, projects: {}, leaving: {}, counters: {}, holds: {}, leases: {} };
}

/**
 * What an isolate may admit for one key without asking, durably set aside before it was given (leases/lease.ts). It
 * counts in every window from the moment it was given, as if all its calls were admitted at its end: later than they
 * are, so none leaves a sliding window too early.
 */
export interface Lease {
  id: LeaseId;
  key: KeyId;
  isKeyBooked: boolean;
  lineage?: KeyId;
  project?: ProjectId;
  granted: Amounts;
  /** Of it, what is neither given back nor the hold's of a call that the ledger has heard of. */
  left: Amounts;
  grantedAtMs: number;
  /** By the ledger's clock no call is admitted under it any more. */
  endsAtMs: number;
  /** Until then its calls may be settled; what is left then goes back. */
  deadlineMs: number;
  /** Its isolate has reported what it spent. */
  isClosed: boolean;
}

/** What an agent counted, or what was charged. What was stored before there were `units` has none. */
export interface Usage extends Record<Exclude<CountColumn, "units">, number> {
  units?: number;
  responseId: string | null;
}

/** What one admitted call has set aside, with everything its bill will need. */
export interface Hold {
  id: HoldId;
  key: KeyId;
  /** Whether the key had limits of its own at admission, so that its counters move together with the org's. */
  isKeyBooked: boolean;
  /** Whose counters those are, when they are not the key's own: a hold settles where it was booked. */
  lineage?: KeyId;
  /** The project that the key was in at admission: it is booked there, and settles there wherever the key has gone. */
  project?: ProjectId;
  endpoint: Endpoint;
  model: string;
  tier: Tier;
  price: Price;
  promptTokens: number;
  completionTokens: number;
  choices: number;
  admittedAtMs: number;
  expiresAtMs: number;
  idempotency: { key: string; body: string } | null;
  /** The last checkpoint: what expiry will charge. */
  checkpoint: Usage | null;
  /** The lease that the call was admitted under, and the time at which it counts: that lease's end. */
  lease?: { id: LeaseId; bookedAtMs: number };
}

/**
 * How a hold ended and what it was charged. `atMs` is the ledger's time, `endedAtMs` the node's, held between admission
 * and `atMs`.
 */
export interface Closing {
  hold: HoldId;
  end: UsageEnd | "released";
  charged: Usage;
  costMicros: number;
  atMs: number;
  endedAtMs: number;
  /** Absent where its record told of no token, and where no record ended it. */
  ttftMs?: number;
}

/**
 * A hold that has ended, as the journal remembers it. `isAdjusted`: its late record has been booked, and no other will
 * be.
 */
export interface Ended {
  hold: Hold;
  closing: Closing;
  isAdjusted: boolean;
}

/** The newest hold that carried an idempotency key and was not released. `ended` is null while it is open. */
export interface EarlierCall {
  body: string;
  admittedAtMs: number;
  ended: FirstCall | null;
}

/**
 * One change of the state. The state after is the state before plus these, in order; that is how it is rebuilt after a
 * crash.
 */
export type Change =
  | { kind: "held"; hold: Hold }
  | { kind: "checkpointed"; hold: Hold }
  | { kind: "closed"; hold: Hold; closing: Closing }
  | { kind: "late"; hold: Hold; closing: Closing }
  | LeaseChange;

/**
 * What happens to a lease: it is given; the ledger hears of a call under it, whose hold it becomes; its isolate gives
 * back what it did not spend (`attempts`: calls that were never made); what is left goes back after its deadline.
 */
export type LeaseChange =
  | { kind: "leased"; lease: Lease }
  | { kind: "opened"; hold: Hold & Required<Pick<Hold, "lease">> }
  | { kind: "returned"; lease: LeaseId; attempts: number; back: Amounts; atMs: number }
  | { kind: "swept"; lease: LeaseId; atMs: number };

/** Whether a key has a limit of its own, so that its calls are booked to it, too. */
export function hasLimits({ limits }: KeyRecord): boolean {
  return Object.values(limits ?? {}).some((limit) => typeof limit === "number");
}

/** Under which id a key's calls are counted: its lineage's, so that a rotation gives nothing anew. */
export function findOwner(key: Pick<KeyRecord, "id" | "lineage">): KeyId {
  return key.lineage ?? key.id;
}

/** What of a hold or a lease says where it is booked. */
export type Booked = Pick<Hold, "key" | "lineage" | "project" | "isKeyBooked">;

/**
 * Whose counters a hold or a lease changes: the org's; if it is booked to its key, those of the key's lineage; and its
 * project's.
 */
export function listOwners({ key, lineage, project, isKeyBooked }: Booked): string[] {
  const owners = isKeyBooked ? ["org", lineage ?? key] : ["org"];
  if (project !== undefined) owners.push(project);
  return owners;
}

/** Under which id a hold is counted against the limits of `of`; the key's where it is in no project. */
export function nameOwner(of: LimitOwner, { key, lineage, project }: Omit<Booked, "isKeyBooked">): string {
  if (of === "org") return "org";
  return of === "project" && project !== undefined ? project : (lineage ?? key);
}

/** The time at which a call counts in the windows. */
export function bookedAtMs(hold: Hold): number {
  return hold.lease?.bookedAtMs ?? hold.admittedAtMs;
}

/** The tokens a hold reserves. */
export function tokensHeld(hold: Hold): number {
  return hold.promptTokens + hold.choices * hold.completionTokens;
}

/** The money a hold reserves: the price of all its tokens. */
export function costHeld({ price, promptTokens, choices, completionTokens }: Hold): number {
  return computeCostMicros(price, promptTokens, choices * completionTokens);
}

/** What the hold of a call takes of its lease. */
export function measureLeased(hold: Hold): Amounts {
  return { calls: 1, tokens: tokensHeld(hold), costMicros: costHeld(hold) };
}

/**
 * The line of the bill that a closing writes; `null` for a released hold, which owes nothing. A correction's id adds
 * `:late`.
 */
export function makeUsageRow(hold: Hold, closing: Closing, org: string): UsageRow | null {
  const { end, charged } = closing;
  if (end === "released") return null;
  return {
    id: end === "adjusted" ? `${hold.id}:late` : hold.id,
    hold: hold.id,
    org,
    key: hold.key,
    model: hold.model,
    tier: hold.tier,
    endpoint: hold.endpoint,
    end,
    ...charged,
    units: charged.units ?? 0,
    costMicros: closing.costMicros,
    admittedAtMs: hold.admittedAtMs,
    endedAtMs: closing.endedAtMs,
    ttftMs: closing.ttftMs ?? null,
  };
}

/** The part of an ended call that is shown to a caller who repeats its idempotency key. */
export function makeFirstCall({ charged, hold }: Closing): FirstCall {
  const { responseId, promptTokens, completionTokens } = charged;
  return { hold, responseId, promptTokens, completionTokens };
}
