import { countColumns } from "../../../agreements/records/usage-columns.ts";
import { z } from "zod";
import type {
  HoldRequest,
  Denial,
  Grant,
  LeaseGrant,
  LeaseRequest,
  LedgerState,
  Rates,
  Scopes,
  SettledRecord,
  Settlement,
} from "../../../ledger/port.ts";
import { HoldId, KeyId, ProjectId, type OrgId } from "../../../agreements/tokens/ids.ts";
import { LeaseId, type LeasedTerms } from "../../../agreements/tokens/lease.ts";
import { measureTtftMs } from "../../../agreements/records/usage.ts";
import { KeyRecord } from "../../../agreements/records/key.ts";
import { Window } from "../../../agreements/records/quota.ts";
import type { Credential } from "../../../agreements/tokens/credential.ts";
import { OutOfReach } from "../../../errors.ts";
import { encodePrice, encodeTerms, encodeWish, writeBill } from "./leases.ts";

/**
 * The arguments of the ledger's script and its replies. A reply of any other shape throws: never a grant by default
 * (F1).
 */

/**
 * The keys of one org, in the order in which the script knows them; the tag in braces keeps them in one slot of a
 * cluster.
 */
export function listKeys(org: OrgId): string[] {
  const calls = ["open", "holds", "ends", "late", "again", "ages"];
  const names = ["records", "books", ...calls, "outbox", "leaving", "left", "leases", "waiting"];
  return names.map((name) => `penstock:{${org}}:${name}`);
}

/**
 * An admission's arguments after the command and the time. Texts of callers travel as JSON, so that a line break in
 * them cannot end a line that the script stores.
 */
export function encodeRequest(request: HoldRequest, wait = ""): string[] {
  const { hold, org, key, model, tier, endpoint, idempotency, price } = request;
  const numbers = [
    request.promptTokens,
    request.completionTokens,
    request.choices,
    request.mayClamp ? 1 : 0,
    request.ttlMs,
  ];
  const again = idempotency ? [JSON.stringify(idempotency.key), JSON.stringify(idempotency.body)] : ["", ""];
  const bill = writeBill({ hold, org, key, model, tier, endpoint });
  return [
    hold,
    key,
    request.ip ?? "",
    endpoint,
    model,
    ...numbers.map(String),
    ...encodePrice(price),
    ...again,
    bill,
    request.lease ? encodeWish(request.lease) : "",
    wait,
    encodeToken(request, request),
    ...encodeDigests(request),
  ];
}

/** The arguments of `introspect`. */
export function encodeCredential(credential: Credential): string[] {
  return [credential.key, credential.ip ?? "", encodeToken(credential, null), ...encodeDigests(credential)];
}

/** The arguments of `lease`. */
export function encodeLease(credential: Credential, request: LeaseRequest): string[] {
  const [key = "", ip = "", ...proofs] = encodeCredential(credential);
  return [key, ip, encodeWish(request), ...proofs];
}

/** The arguments of `release`. */
export function encodeRelease(org: OrgId, hold: HoldId, mayRun: boolean, leased: LeasedTerms | null): string[] {
  return [hold, mayRun ? "1" : "0", leased ? encodeTerms(org, hold, leased) : ""];
}

/** A settlement's arguments: for each record its hold, what it is, its counts, its times, and the terms of a lease. */
export function encodeRecords(records: SettledRecord[]): string[] {
  return records.flatMap((record) => {
    const { hold, org, isFinal, outcome, responseId, endedAtMs, leased } = record;
    const counts = countColumns.map((name) => String(record[name]));
    const terms = leased ? encodeTerms(org, hold, leased) : "";
    const times = [endedAtMs, measureTtftMs(record)].map(String);
    return [hold, isFinal ? "1" : "0", outcome, ...counts, JSON.stringify(responseId), ...times, terms];
  });
}

const Report = [z.int().nullable(), z.int().nullable(), z.int().nullable()] as const;
const Granted = z.tuple([z.literal("grant"), z.int(), z.int(), z.int(), z.int(), ...Report, ...Report]);
/** The key's record, and the calls, tokens and money that the lease is for. */
const Amounts = [z.string(), z.int(), z.int(), z.int()] as const;
const Leased = z.tuple([z.literal("lease"), ...Report, ...Report, ...Amounts]);
const NotLeased = z.tuple([z.literal("none")]);
const Exceeded = z.tuple([
  z.literal("denial"),
  z.enum(["rate", "concurrency", "quota"]),
  Window,
  z.enum(["org", "project", "key"]),
  z.int(),
  z.int(),
  z.int(),
  z.int().nullable(),
  z.int(),
  z.int(),
  z.int(),
  ...Report,
  ...Report,
]);
const PlainReason = z.enum(["key", "ip", "project", "endpoint", "model", "idempotency_mismatch"]);
const Plain = z.tuple([z.literal("denial"), PlainReason]);
const InProgress = z.tuple([z.literal("denial"), z.literal("idempotency_in_progress"), z.int()]);
const Replayed = z.tuple([
  z.literal("denial"),
  z.literal("idempotency_replayed"),
  HoldId,
  z.string(),
  z.int(),
  z.int(),
]);

/** The grant or denial in a reply to `admit`. */
export function readAdmission(request: HoldRequest, reply: unknown): Grant | Denial {
  if (!Array.isArray(reply) || reply[0] !== "grant") return readDenial(reply);
  const { length } = Granted.def.items;
  const [, tokensHeld, completionTokens, expiresAtMs, urgent, ...reports] = read(Granted, reply.slice(0, length));
  const held = { hold: request.hold, tokensHeld, completionTokens, expiresAtMs };
  const grant: Grant = { kind: "grant", ...held, rates: readRates(reports), ...(urgent === 1 && { isUrgent: true }) };
  if (reply.length === length) return grant;
  const lease = readGranted(request.lease, ["lease", ...reports, ...reply.slice(length)]);
  return { ...grant, lease };
}

/** The lease in a reply to `lease`. */
export function readLease(request: LeaseRequest, reply: unknown): LeaseGrant | null {
  if (!Array.isArray(reply) || reply[0] !== "lease") {
    read(NotLeased, reply);
    return null;
  }
  return readGranted(request, reply);
}

function readGranted(request: LeaseRequest | undefined, reply: unknown): LeaseGrant {
  if (!request) throw new OutOfReach("redis: the reply is not the ledger's: nobody asked for a lease");
  const [, ...members] = read(Leased, reply);
  const [limit, remaining, resetMs, tokenLimit, tokensRemaining, tokenResetMs, text, ...amounts] = members;
  const [calls, tokens, costMicros] = amounts;
  const key = read(KeyRecord, JSON.parse(text));
  const rates = readRates([limit, remaining, resetMs, tokenLimit, tokensRemaining, tokenResetMs]);
  return { id: request.id, key, calls, tokens, costMicros, ttlMs: request.ttlMs, holdMsMax: request.holdMsMax, rates };
}

const Closed = z.enum(["closed", "repeated"]);

/** Throws unless the lease is closed. */
export function readClosed(reply: unknown): void {
  read(Closed, reply);
}

/** What a key may use. */
export function readIntrospection(reply: unknown): Scopes | Denial {
  if (!Array.isArray(reply) || reply[0] !== "scopes") return readDenial(reply);
  const { endpoints, models } = read(KeyRecord, JSON.parse(String(reply[1])));
  return { kind: "scopes", endpoints, models };
}

const Result = z.enum(["settled", "checkpointed", "adjusted", "over_hold", "released", "repeated", "unknown"]);
const Settled = z.tuple([z.int(), z.array(Result)]);
const Published = z.tuple([z.enum(["published", "ignored"]), z.int().min(0)]);

/** How many rows wait for D1, and what became of each record. */
export function readSettlements(
  records: { hold: HoldId }[],
  reply: unknown,
): { rows: number; settlements: Settlement[] } {
  const [rows, results] = read(Settled, reply);
  if (results.length !== records.length) throw new OutOfReach("redis: the reply is not the ledger's, at '1'");
  return { rows, settlements: records.map(({ hold }, index) => ({ hold, result: read(Result, results[index]) })) };
}

/** What became of a release. */
export function readRelease(hold: HoldId, reply: unknown): Settlement {
  return { hold, result: read(Result, reply) };
}

/**
 * For how many ms calls may be admitted under leases that knew an older record. Throws unless this one is in force, or
 * one of a higher version is.
 */
export function readPublished(reply: unknown): number {
  return read(Published, reply)[1];
}

const Counted = z.union([z.literal("org"), ProjectId, KeyId]);
const State = z.tuple([
  z.literal("state"),
  z.int(),
  z.int(),
  z.array(z.tuple([Window, Counted, z.int().nullable(), z.int(), z.int(), z.int().nullable()])),
  z.array(z.tuple([HoldId, KeyId, z.int(), z.int()])),
  z.array(z.tuple([LeaseId, KeyId, z.int(), z.int(), z.int()])),
]);

/** Every window, or `null` before the org was published. */
export function readState(org: OrgId, reply: unknown): LedgerState | null {
  if (Array.isArray(reply) && reply[0] === "unknown") return null;
  const [, atMs, outboxRows, windows, holds, leases] = read(State, reply);
  return {
    org,
    atMs,
    windows: windows.map(([window, of, limit, held, settled, resetAtMs]) => ({
      window,
      of,
      limit,
      remaining: limit === null ? null : limit - held - settled,
      held,
      settled,
      resetAtMs,
    })),
    openHolds: holds.map(([hold, key, tokens, expiresAtMs]) => ({ hold, key, tokens, expiresAtMs })),
    leases: leases.map(([lease, key, calls, tokens, endsAtMs]) => ({ lease, key, calls, tokens, endsAtMs })),
    outboxRows,
  };
}

/** Parses, or throws an error that names the path at fault and no value. */
export function read<T extends z.ZodType>(schema: T, reply: unknown): z.infer<T> {
  const { data: parsed, error } = schema.safeParse(reply);
  if (error)
    throw new OutOfReach(`redis: the reply is not the ledger's, at '${error.issues[0]?.path.join(".") ?? ""}'`);
  return parsed;
}

/** Empty for a key; for a client token two digits: whether its own scopes allow the endpoint and the model. */
function encodeToken(
  { token }: Credential,
  wanted: { endpoint: HoldRequest["endpoint"]; model: string } | null,
): string {
  if (!token) return "";
  if (!wanted) return "11";
  return (
    ((token.endpoints?.includes(wanted.endpoint) ?? true) ? "1" : "0") +
    ((token.models?.includes(wanted.model) ?? true) ? "1" : "0")
  );
}

function encodeDigests({ digests }: Credential): string[] {
  return digests.flatMap(({ kid, digest }) => [kid, digest]);
}

function readDenial(reply: unknown): Denial {
  const reason: unknown = Array.isArray(reply) ? reply[1] : null;
  if (reason === "idempotency_in_progress") return { kind: "denial", reason, retryAfterMs: read(InProgress, reply)[2] };
  if (reason === "idempotency_replayed") {
    const [, , hold, responseId, promptTokens, completionTokens] = read(Replayed, reply);
    return {
      kind: "denial",
      reason,
      first: { hold, responseId: read(z.string().nullable(), JSON.parse(responseId)), promptTokens, completionTokens },
    };
  }
  if (reason !== "rate" && reason !== "concurrency" && reason !== "quota")
    return { kind: "denial", reason: read(Plain, reply)[1] };
  const [, , window, of, limit, retryAfterMs, resetAtMs, tokensRemaining, ...rest] = read(Exceeded, reply);
  const [need, held, settled, ...reports] = rest;
  return {
    kind: "denial",
    reason,
    window,
    of,
    limit,
    retryAfterMs,
    resetAtMs,
    tokensRemaining,
    demand: { need, held, settled },
    rates: readRates(reports),
  };
}

function readRates([limit, remaining, resetMs, tokenLimit, tokensRemaining, tokenResetMs]: (number | null)[]): Rates {
  return {
    requests: readReport(limit, remaining, resetMs),
    tokens: readReport(tokenLimit, tokensRemaining, tokenResetMs),
  };
}

function readReport(limit: number | null = null, remaining: number | null = null, resetMs: number | null = null) {
  return limit === null || remaining === null || resetMs === null ? null : { limit, remaining, resetMs };
}
