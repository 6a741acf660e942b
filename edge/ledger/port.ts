import type { CountColumn } from "../agreements/records/usage-columns.ts";
import type { Credential } from "../agreements/tokens/credential.ts";
import type { HoldId, KeyId, OrgId, ProjectId } from "../agreements/tokens/ids.ts";
import type { LeasedTerms, LeaseId } from "../agreements/tokens/lease.ts";
import type { KeyRecord } from "../agreements/records/key.ts";
import type { Endpoint, Price, Tier } from "../agreements/records/model.ts";
import type { OrgRecord } from "../agreements/records/org.ts";
import type { ProjectRecord } from "../agreements/records/project.ts";
import type { WindowName } from "../agreements/records/windows.ts";
import type { Outcome, UsageRecord } from "../agreements/records/usage.ts";
import type { WindowReport } from "../protocol/rate-headers.ts";

/** What the control plane publishes to an org's ledger. */
export type PublishedRecord = OrgRecord | KeyRecord | ProjectRecord;

/** Whose windows a call has to pass: its key's own, those of the key's project, if it has one, and its org's. */
export type LimitOwner = "org" | "project" | "key";

/**
 * Holds callers to their limits: one authority per org. Every method is atomic. A ledger that cannot be reached throws
 * (`OutOfReach` when it can say why); the caller is then refused with `quota_unavailable`, never let through unmetered
 * (F1).
 */
export interface Ledger {
  /**
   * One round trip: verifies key, scopes and address, checks every window and reserves. A denial leaves every counter
   * as it was. A call that only a slot is missing for, or what leases have set aside, waits for it (`waitMs`), in turn
   * with the other keys of its org.
   */
  admit(request: HoldRequest): Promise<Grant | Denial>;
  /**
   * Ends the wait of an ask whose caller has left: it is denied, unless it was granted before. Whoever asked gives such
   * a grant back.
   */
  cancelWait(org: OrgId, hold: HoldId): Promise<void>;
  /**
   * What a key in force may use, at an address it may be used from; reserves nothing. Denials are `key`, `ip` and
   * `project`.
   */
  introspect(credential: Credential): Promise<Scopes | Denial>;
  /**
   * Replaces holds by what was used (final records) or stores how far they are (checkpoints). Idempotent by hold id.
   */
  settle(org: OrgId, records: SettledRecord[]): Promise<Settlement[]>;
  /**
   * The same for many orgs, in as few round trips as the store needs. Each org by itself: a ledger that fails is
   * reported at its index and stops no other from settling. Answers in the order of the batches, and never rejects.
   */
  settleAll(batches: OrgRecords[]): Promise<PromiseSettledResult<Settlement[]>[]>;
  /**
   * Gives a hold back because nothing ran: tokens, money and the day's request; the minute and the hour keep the
   * attempt. When a node `mayRun` the call all the same (it was given up, not refused), the hold stands for two seconds
   * more, so that the tokens it generated are billed, and then expires. `leased`: the terms of a call that was admitted
   * under a lease.
   */
  release(org: OrgId, hold: HoldId, mayRun?: boolean, leased?: LeasedTerms): Promise<Settlement>;
  /**
   * Gives a busy key its next lease, while the last is being spent. No call is admitted by it. `null`: no lease; who
   * asked goes on call by call.
   */
  lease(credential: Credential, request: LeaseRequest): Promise<LeaseGrant | null>;
  /** Takes back what its isolate did not spend of a lease that has ended. Idempotent by the lease's id. */
  closeLease(org: OrgId, closing: LeaseClosing): Promise<void>;
  /**
   * Brings a record of the control plane into force: when this returns, the next admit sees it, in every isolate: it
   * waits for the end of leases that were given before (at most `leaseMsMax` and 100 ms). Older versions are ignored.
   */
  publish(record: PublishedRecord): Promise<void>;
  /**
   * Every window of the org and of each project and key with limits of its own. `null`: no such org was ever published.
   */
  inspect(org: OrgId): Promise<LedgerState | null>;
}

/**
 * What a call wants to set aside. Digests are of the presented key, one per live pepper; `ip` is 32 hex digits
 * (agreements/ip.ts).
 */
export interface HoldRequest extends Credential {
  hold: HoldId;
  endpoint: Endpoint;
  model: string;
  tier: Tier;
  price: Price;
  /** Upper bound of the prompt, in tokens. */
  promptTokens: number;
  /** Per choice; the hold covers `promptTokens + choices × completionTokens`. */
  completionTokens: number;
  choices: number;
  /** The caller allows a smaller `completionTokens` (at least 1) when only that fits. */
  mayClamp: boolean;
  /** How long the hold may stand without a final record. */
  ttlMs: number;
  /** SHA-256 in hex of the caller's Idempotency-Key and of the body it came with. */
  idempotency: { key: string; body: string } | null;
  /** How long it may wait for a slot, or for the end of the call that its idempotency key began, in ms; 0 if absent. */
  waitMs?: number;
  /** How long it may wait in all, also for leases to end, whatever `waitMs` is; as long as `waitMs` if absent. */
  waitMsMax?: number;
  /** The key is busy: a lease is welcome with the answer. */
  lease?: LeaseRequest;
}

/** A part of an org's limits: calls (each a request and a slot), the tokens and the money that they hold. */
export interface Amounts {
  calls: number;
  tokens: number;
  costMicros: number;
}

/** What a call needs of every window: see `HoldRequest`. */
export type NeededAmounts = Pick<HoldRequest, "price" | "promptTokens" | "choices" | "completionTokens">;

/**
 * A lease that is asked for: how many calls, tokens and how much money are expected to be held in its time. `id` is
 * chosen at random by who asks.
 */
export interface LeaseRequest extends Amounts {
  id: LeaseId;
  ttlMs: number;
  /** The longest that a hold of a call under it may stand: what nobody closes and settles goes back so much later. */
  holdMsMax: number;
}

/**
 * A lease as an isolate spends it: on calls that this record of the key allows, for `ttlMs` from *before* it was asked
 * for. `rates` are those of the moment, without the lease.
 */
export interface LeaseGrant extends Amounts {
  id: LeaseId;
  key: KeyRecord;
  ttlMs: number;
  holdMsMax: number;
  rates: Rates;
}

/**
 * What an isolate made of a lease: `attempts` are the calls that it admitted; `calls`, `tokens` and `costMicros` what
 * those hold that were not given back.
 */
export interface LeaseClosing extends Amounts {
  lease: LeaseId;
  attempts: number;
}

/** A record as the ledger books it: of a call under a lease with the terms that its ticket proved. */
export interface SettledRecord extends UsageRecord {
  leased?: LeasedTerms;
}

/** What a key may use; `null` is any. */
export interface Scopes {
  kind: "scopes";
  endpoints: Endpoint[] | null;
  models: string[] | null;
}

/**
 * The narrowest request window and the narrowest token window of this key, its project and its org; `null` where there
 * is no such limit.
 */
export interface Rates {
  requests: WindowReport | null;
  tokens: WindowReport | null;
}

/** A call may run: what is held for it, until when. */
export interface Grant {
  kind: "grant";
  hold: HoldId;
  tokensHeld: number;
  completionTokens: number;
  expiresAtMs: number;
  rates: Rates;
  /**
   * Somebody may wait for its end: it has taken the last slot of its org, project or key, or carries an idempotency
   * key.
   */
  isUrgent?: true;
  /** Given with the answer to a request that asked for one. */
  lease?: LeaseGrant;
  /** The call was admitted under a lease: its terms, which have to travel with it. */
  leased?: LeasedTerms;
}

/** The first call of an idempotency key: its hold, the id its answer carried and what it used, once it has ended. */
export interface FirstCall {
  hold: HoldId;
  responseId: string | null;
  promptTokens: number;
  completionTokens: number;
}

/**
 * What a refused call needs of the window that is full, and what that window has given away, in its unit: `held` may
 * come back when calls end, `settled` is spent.
 */
export interface WindowDemand {
  need: number;
  held: number;
  settled: number;
}

/**
 * Why not. `key` covers unknown, wrong, revoked and expired keys and suspended orgs alike, and keys of a project that
 * this ledger does not know; `project` is one that was archived. `rate`, `concurrency` and
 * `quota` name the window, whose it is, when it surely opens again, and after how long another try makes sense; for
 * token and money windows `tokensRemaining` says what would have fitted. A ledger that still runs an older version
 * tells no `demand`.
 */
export type Denial =
  | { kind: "denial"; reason: "key" | "ip" | "project" | "endpoint" | "model" }
  | { kind: "denial"; reason: "idempotency_in_progress"; retryAfterMs: number }
  | { kind: "denial"; reason: "idempotency_replayed"; first: FirstCall }
  | { kind: "denial"; reason: "idempotency_mismatch" }
  | {
      kind: "denial";
      reason: "rate" | "concurrency" | "quota";
      window: WindowName;
      of: LimitOwner;
      limit: number;
      retryAfterMs: number;
      resetAtMs: number;
      tokensRemaining: number | null;
      demand?: WindowDemand;
      rates: Rates;
    };

/** Records of one org. */
export interface OrgRecords {
  org: OrgId;
  records: SettledRecord[];
}

/**
 * What became of one record. `over_hold`: settled or adjusted, and its prompt was longer than what was held for it.
 * `repeated`: the hold had ended before, nothing changed. `unknown`: this ledger never gave that hold.
 */
export interface Settlement {
  hold: HoldId;
  result: "settled" | "checkpointed" | "adjusted" | "over_hold" | "released" | "repeated" | "unknown";
}

/** `limit = remaining + held + settled`, at any instant; without a limit, `limit` and `remaining` are null. */
export interface WindowState {
  window: WindowName;
  of: "org" | ProjectId | KeyId;
  limit: number | null;
  remaining: number | null;
  held: number;
  settled: number;
  resetAtMs: number | null;
}

/** An org's ledger as people look into it. */
export interface LedgerState {
  org: OrgId;
  atMs: number;
  windows: WindowState[];
  openHolds: { hold: HoldId; key: KeyId; tokens: number; expiresAtMs: number }[];
  /**
   * Leases that are not used up: the calls and tokens that are held for them beside `openHolds`, and until when calls
   * may be admitted under them (Unix ms).
   */
  leases: { lease: LeaseId; key: KeyId; calls: number; tokens: number; endsAtMs: number }[];
  /** Usage rows that have not reached D1 yet. */
  outboxRows: number;
}

/**
 * How a hold ended, in the usage table: `expired` was charged its last checkpoint, `adjusted` is the rest: what came
 * late, or what of a prompt went beyond its hold.
 */
export type UsageEnd = Outcome | "expired" | "adjusted";

/**
 * One row of the bill, keyed by `id` (the hold's id; what came late adds `:late`), however often it is written.
 */
export interface UsageRow extends Record<CountColumn, number> {
  id: string;
  hold: HoldId;
  org: OrgId;
  key: KeyId;
  model: string;
  tier: Tier;
  endpoint: Endpoint;
  end: UsageEnd;
  responseId: string | null;
  costMicros: number;
  admittedAtMs: number;
  endedAtMs: number;
  ttftMs: number | null;
}
