import type { HoldRequest, Denial, Grant, Ledger, UsageRow } from "#edge/ledger/port.ts";
import type { HoldId, KeyId, OrgId, ProjectId } from "#edge/agreements/tokens/ids.ts";
import type { LeaseId } from "#edge/agreements/tokens/lease.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";
import type { ProjectRecord } from "#edge/agreements/records/project.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import type { WindowName } from "#edge/agreements/records/windows.ts";
import type { TestClock } from "#test/support/fakes/clock.ts";

/**
 * A ledger under test: its clock, a way to kill and reopen it, and the bill so far (which may have to be fetched from
 * elsewhere).
 */
export interface OpenedLedger {
  ledger: Ledger;
  clock: TestClock;
  restart(): Promise<void>;
  usage(): Promise<UsageRow[]>;
  /** How many ms it has waited in all for leases to end; without it, it waits in real time. */
  waited?(): number;
}

/** A ledger under test, and an org that is nobody else's. */
export type OpenedOrg = OpenedLedger & { org: OrgId };

/** Opens a fresh ledger whose clock shows `startMs`, for an org of its own. */
export type OpenLedger = (startMs: number) => Promise<OpenedOrg>;

/** 2032-03-01T12:00:00Z: ahead of any real clock, so that alarms of a real object never fire by themselves. */
export const noon = Date.UTC(2032, 2, 1, 12);

export const noLimits: Limits = {
  requestsPerMinute: null,
  requestsPerHour: null,
  concurrency: null,
  tokensPerMinute: null,
  requestsPerDay: null,
  tokensPerDay: null,
  tokensPerMonth: null,
  costMicrosPerMonth: null,
};

let count = 0;

/** An org id that no other test of this process has. */
export function freshOrg(): OrgId {
  return `org_${String(++count).padStart(10, "0")}`;
}

/** The `n`th key of an org. */
export function keyId(org: OrgId, n: number): KeyId {
  return `key_${org.slice(4)}${String(n).padStart(6, "0")}`;
}

/** The digest that the fixtures' keys are known by. */
export const digest = "d".repeat(64);

export function orgRecord(org: OrgId, limits: Partial<Limits>, version = 1): OrgRecord {
  return { kind: "org", id: org, plan: "enterprise", isSuspended: false, limits: { ...noLimits, ...limits }, version };
}

export function keyRecord(org: OrgId, n: number, fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    kind: "key",
    id: keyId(org, n),
    org,
    digest,
    pepperKid: "p1",
    isRevoked: false,
    expiresAtMs: null,
    endpoints: null,
    models: null,
    ipRanges: null,
    limits: null,
    version: 1,
    ...fields,
  };
}

/** The `n`th project of an org. */
export function projectId(org: OrgId, n: number): ProjectId {
  return `proj_${org.slice(4)}${String(n).padStart(12, "0")}`;
}

export function projectRecord(org: OrgId, n: number, fields: Partial<ProjectRecord> = {}): ProjectRecord {
  return { kind: "project", id: projectId(org, n), org, limits: {}, isArchived: false, version: 1, ...fields };
}

let holds = 0;

export function freshHold(): HoldId {
  return `hold_${String(++holds).padStart(22, "0")}`;
}

let leases = 0;

export function freshLease(): LeaseId {
  return `lease_${String(++leases).padStart(22, "0")}`;
}

export function makeRequest(org: OrgId, fields: Partial<HoldRequest> = {}): HoldRequest {
  return {
    hold: freshHold(),
    org,
    key: keyId(org, 1),
    digests: [{ kid: "p1", digest }],
    ip: null,
    endpoint: "chat.completions",
    model: "small",
    tier: "shared",
    price: { promptMicrosPerMTok: 1_000_000, completionMicrosPerMTok: 2_000_000 },
    promptTokens: 10,
    completionTokens: 20,
    choices: 1,
    mayClamp: false,
    ttlMs: 930_000,
    idempotency: null,
    ...fields,
  };
}

export function makeRecord(org: OrgId, hold: HoldId, fields: Partial<UsageRecord> = {}): UsageRecord {
  return {
    hold,
    org,
    model: "small",
    isFinal: true,
    promptTokens: 10,
    cachedTokens: 0,
    completionTokens: 20,
    units: 0,
    outcome: "completed",
    responseId: null,
    startedAtMs: noon,
    firstTokenAtMs: null,
    endedAtMs: noon,
    ...fields,
  };
}

/** The grant, or a failure that shows the denial. */
export function granted(answer: Grant | Denial): Grant {
  if (answer.kind !== "grant") throw new Error(`denied: ${JSON.stringify(answer)}`);
  return answer;
}

/** The denial that names a window, or a failure. */
export function exceeded(answer: Grant | Denial) {
  if (answer.kind !== "denial" || !("window" in answer))
    throw new Error(`not shut by a window: ${JSON.stringify(answer)}`);
  return answer;
}

/** A ledger that knows one org with these limits, and its first key. */
export async function openWith(
  open: OpenLedger,
  limits: Partial<Limits>,
  key: Partial<KeyRecord> = {},
  startMs = noon,
): Promise<OpenedOrg> {
  const opened = await open(startMs);
  await opened.ledger.publish(orgRecord(opened.org, limits));
  await opened.ledger.publish(keyRecord(opened.org, 1, key));
  return opened;
}

/** `[remaining, held, settled]` of one of the org's windows. */
export async function findWindow({ ledger, org }: OpenedOrg, window: WindowName) {
  const state = await ledger.inspect(org);
  const found = state?.windows.find((each) => each.window === window && each.of === "org");
  return [found?.remaining, found?.held, found?.settled];
}

/** The holds of so many calls, admitted one after another. */
export async function fill({ ledger, org }: OpenedOrg, calls: number, fields: Partial<HoldRequest> = {}) {
  const holds = [];
  for (let i = 0; i < calls; i++) holds.push(granted(await ledger.admit(makeRequest(org, fields))).hold);
  return holds;
}
