import * as fc from "fast-check";
import { checkRequest } from "#edge/ledger/check.ts";
import type { HoldRequest, LeaseClosing, LeaseRequest, PublishedRecord, SettledRecord } from "#edge/ledger/port.ts";
import type { Endpoint } from "#edge/agreements/records/model.ts";
import type { Credential } from "#edge/agreements/tokens/credential.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import type { KeyLimits, Limits } from "#edge/agreements/records/quota.ts";
import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";
import {
  makeRequest,
  digest,
  freshHold,
  keyId,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
  projectId,
  projectRecord,
} from "./ledger-fixtures.ts";
import {
  closing,
  leasedCall,
  makeClosing,
  makeLeasedCall,
  makeWish,
  wish,
  type LeaseMemory,
  wishedHoldMs,
} from "./ledger-twin-leases.ts";

/** One thing that a ledger is asked, at a time by its clock. */
export type Command = { nowMs: number } & (
  | { kind: "admit"; request: HoldRequest }
  | { kind: "introspect"; request: HoldRequest }
  | { kind: "lease"; credential: Credential; request: LeaseRequest }
  | { kind: "closeLease"; closing: LeaseClosing }
  | { kind: "settle"; records: SettledRecord[] }
  | { kind: "release"; hold: string; mayRun: boolean; leased: LeasedTerms | null }
  | { kind: "publish"; record: PublishedRecord }
  | { kind: "inspect" }
);

const second = 1_000;
const hour = 3_600_000;
const weekMs = 7 * 24 * hour;
/** Addresses in ascending order; some differ in their first digit, some in their last only. */
const ip = (n: number) => `${n > 6 ? "2" : "0"}${"0".repeat(19)}ffff0a0000${n.toString(16).padStart(2, "0")}`;

const bound = fc.oneof(
  { weight: 14, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 4_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 100_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, Number.MAX_SAFE_INTEGER) },
);
export const limits: fc.Arbitrary<Limits> = fc.record({
  requestsPerMinute: bound,
  requestsPerHour: bound,
  concurrency: bound,
  tokensPerMinute: bound,
  requestsPerDay: bound,
  tokensPerDay: bound,
  tokensPerMonth: bound,
  costMicrosPerMonth: bound,
});
export const keyLimits: fc.Arbitrary<KeyLimits | null> = fc.option(limits, { freq: 2 });
/** Few slots, so that calls of several keys come to lack them. */
export const projectLimits: fc.Arbitrary<KeyLimits> = fc
  .tuple(keyLimits, fc.option(fc.integer({ min: 1, max: 3 }), { freq: 2 }))
  .map(([all, concurrency]) => ({ ...all, ...(concurrency !== null && { concurrency }) }));
const price = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 150_000, 3_300_001) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 9_000_000 }) },
  { weight: 1, arbitrary: fc.constant(2 ** 40 + 1) },
);
const tokens = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) },
  fc.integer({ min: 0, max: 3_000 }),
  fc.constant(0),
);
const responseId = fc.constantFrom(null, null, "chatcmpl-1", 'a "b"\nc \u2028 d|e', "ü 1 2 3", "");

/** One thing that may happen in a history: a call, its end, a change of records, time that passes. */
export const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("admit" as const),
      key: fc.constantFrom(1, 1, 1, 2, 2, 2, 3, 3, 3, 4),
      digest: fc.integer({ min: 0, max: 29 }),
      ip: fc.integer({ min: 0, max: 12 }),
      endpoint: fc.integer({ min: 0, max: 9 }),
      model: fc.constantFrom("small", "small", "small", "big"),
      prompt: tokens,
      completion: tokens,
      choices: fc.integer({ min: 0, max: 3 }),
      mayClamp: fc.boolean(),
      ttlMs: fc.constantFrom(500, 5_000, 90_000, 930_000, 24 * hour),
      promptPrice: price,
      completionPrice: price,
      cachedShare: fc.constantFrom(null, null, 0, 0.1, 0.5, 1),
      token: fc.constantFrom<Credential["token"] | null>(
        null,
        null,
        null,
        null,
        null,
        null,
        { endpoints: null, models: null },
        { endpoints: ["embeddings"], models: null },
        { endpoints: null, models: ["big"] },
      ),
      again: fc.constantFrom(null, null, null, null, null, 0, 1, 2),
      body: fc.integer({ min: 0, max: 1 }),
      isRepeat: fc.integer({ min: 0, max: 30 }),
      lease: fc.option(wish, { freq: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("lease" as const),
      key: fc.constantFrom(1, 1, 1, 2, 2, 2, 3, 3, 3, 4),
      digest: fc.integer({ min: 0, max: 29 }),
      wish,
    }),
  },
  { weight: 3, arbitrary: closing },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      records: fc.array(
        fc.record({
          pick: fc.nat(5),
          isFinal: fc.boolean(),
          prompt: tokens,
          cached: tokens,
          units: tokens,
          completion: tokens,
          outcome: fc.constantFrom("completed" as const, "cancelled" as const, "failed" as const),
          responseId,
          agoMs: fc.integer({ min: -5_000, max: 2_000_000 }),
          ttftMs: fc.constantFrom(null, -1, 0, 70, 90_000_000),
          leased: fc.option(leasedCall, { freq: 2 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("release" as const),
      pick: fc.nat(5),
      mayRun: fc.boolean(),
      leased: fc.option(leasedCall, { freq: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("org" as const),
      limits,
      isSuspended: fc.integer({ min: 0, max: 25 }),
      version: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("key" as const),
      key: fc.integer({ min: 1, max: 3 }),
      limits: keyLimits,
      lineage: fc.constantFrom(null, null, 1, 2),
      // The third is one that nobody has published.
      project: fc.constantFrom(null, null, null, 1, 1, 1, 1, 2, 2, 2, 2, 3),
      isRevoked: fc.integer({ min: 0, max: 25 }),
      ttl: fc.constantFrom(null, null, null, null, null, null, 0, 3_000, 100_000),
      version: fc.integer({ min: 1, max: 4 }),
      endpoints: fc.constantFrom<Endpoint[] | null>(null, null, null, [], ["chat.completions"]),
      models: fc.constantFrom<string[] | null>(null, null, null, ["small"]),
      ranges: fc.oneof(
        { weight: 4, arbitrary: fc.constant(null) },
        fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 4, max: 12 })), { maxLength: 3 }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("project" as const),
      project: fc.integer({ min: 1, max: 2 }),
      limits: projectLimits,
      isArchived: fc.integer({ min: 0, max: 15 }),
      version: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      ms: fc.oneof(
        fc.integer({ min: 0, max: 3 * second }),
        fc.integer({ min: 0, max: 90 * second }),
        fc.constantFrom(999, 1_000, 60_000, 61_000, hour, 61 * 60_000, 12 * hour, -hour, -1),
        fc.constantFrom(1_100, wishedHoldMs, wishedHoldMs + 1_100),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("introspect" as const),
      key: fc.integer({ min: 1, max: 4 }),
      ip: fc.nat(12),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "inspect" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("leap" as const), days: fc.constantFrom(0, 0, 0, 30, 37, 38, 41) }),
  },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/**
 * Turns steps into what a ledger is asked, on one org. `granted` are the holds that it gave so far, `leases` what is
 * known of those that it gave. From one leap to
 * the next the history stays shorter than what ended holds are remembered for; who leaps forgets those first.
 */
export function openHistory(
  org: OrgId,
  startMs: number,
  { granted, leases }: { granted: string[]; leases: LeaseMemory },
) {
  let nowMs = startMs;
  let leaptAtMs = startMs;
  const pick = (n: number) =>
    n === 5 ? freshHold() : (granted.at(-1 - (n % Math.max(1, granted.length))) ?? freshHold());
  const command = (each: Step): Command[] => {
    switch (each.kind) {
      case "clock":
        if (nowMs + each.ms < leaptAtMs + weekMs - hour) nowMs += each.ms;
        return [];
      case "leap":
        if (each.days > 0) nowMs = leaptAtMs = nowMs + each.days * 24 * hour;
        return [];
      case "inspect":
        return [{ nowMs, kind: "inspect" }];
      case "org":
        return [
          {
            nowMs,
            kind: "publish",
            record: { ...orgRecord(org, each.limits, each.version), isSuspended: each.isSuspended === 0 },
          },
        ];
      case "key": {
        const ipRanges = each.ranges && each.ranges.map(([from, to]) => ({ from: ip(from), to: ip(to) }));
        const fields = {
          limits: each.limits,
          isRevoked: each.isRevoked === 0,
          expiresAtMs: each.ttl === null ? null : nowMs + each.ttl,
          endpoints: each.endpoints,
          models: each.models,
          ...(each.lineage && { lineage: keyId(org, each.lineage) }),
          ...(each.project && { project: projectId(org, each.project) }),
          ipRanges,
          version: each.version,
        };
        return [{ nowMs, kind: "publish", record: keyRecord(org, each.key, fields) }];
      }
      case "project": {
        const fields = { limits: each.limits, isArchived: each.isArchived === 0, version: each.version };
        return [{ nowMs, kind: "publish", record: projectRecord(org, each.project, fields) }];
      }
      case "introspect":
        return [
          {
            nowMs,
            kind: "introspect",
            request: makeRequest(org, { key: keyId(org, each.key), ip: each.ip === 0 ? null : ip(each.ip) }),
          },
        ];
      case "lease": {
        const credential = makeRequest(org, {
          key: keyId(org, each.key),
          digests: [{ kid: each.digest === 0 ? "p2" : "p1", digest }],
        });
        return [{ nowMs, kind: "lease", credential, request: makeWish(leases, each.wish) }];
      }
      case "closeLease": {
        const told: Command = { nowMs, kind: "closeLease", closing: makeClosing(leases, each) };
        return each.isTwice ? [told, told] : [told];
      }
      case "release": {
        const call = each.leased && makeLeasedCall(leases, each.leased, { org, nowMs });
        const hold = call?.hold ?? pick(each.pick);
        return [{ nowMs, kind: "release", hold, mayRun: each.mayRun, leased: call?.terms ?? null }];
      }
      case "settle":
        return [
          {
            nowMs,
            kind: "settle",
            records: each.records.map((reported) => {
              const call = reported.leased && makeLeasedCall(leases, reported.leased, { org, nowMs });
              const record = makeRecord(org, call?.hold ?? pick(reported.pick), {
                isFinal: reported.isFinal,
                promptTokens: reported.prompt,
                cachedTokens: reported.cached,
                completionTokens: reported.completion,
                units: reported.units,
                outcome: reported.outcome,
                responseId: reported.responseId,
                endedAtMs: nowMs - reported.agoMs,
                firstTokenAtMs: reported.ttftMs === null ? null : noon + reported.ttftMs,
              });
              return call ? { ...record, leased: call.terms } : record;
            }),
          },
        ];
      case "admit": {
        const request = makeRequest(org, {
          key: keyId(org, each.key),
          ip: each.ip === 0 ? null : ip(each.ip),
          endpoint: each.endpoint === 0 ? "embeddings" : "chat.completions",
          model: each.model,
          digests:
            each.digest === 0
              ? [{ kid: "p2", digest }]
              : each.digest === 1
                ? [
                    { kid: "p0", digest: "0".repeat(64) },
                    { kid: "p1", digest },
                  ]
                : [{ kid: "p1", digest }],
          promptTokens: each.prompt,
          completionTokens: each.completion,
          choices: each.choices,
          mayClamp: each.mayClamp,
          ttlMs: each.ttlMs,
          price: {
            promptMicrosPerMTok: each.promptPrice,
            completionMicrosPerMTok: each.completionPrice,
            ...(each.cachedShare !== null && { cachedMicrosPerMTok: Math.floor(each.promptPrice * each.cachedShare) }),
          },
          idempotency:
            each.again === null ? null : { key: String(each.again).repeat(64), body: String(each.body).repeat(64) },
          ...(each.token ? { token: each.token, digests: each.digest === 0 ? [{ kid: "p2", digest }] : [] } : {}),
          ...(each.isRepeat === 0 ? { hold: pick(0) } : {}),
          ...(each.lease && { lease: makeWish(leases, each.lease) }),
        });
        return !isAcceptable(request) ? [] : [{ nowMs, kind: "admit", request }];
      }
    }
  };
  return command;
}

/** What no ledger accepts never reaches the script: the adapter has the same gate. */
function isAcceptable(request: HoldRequest): boolean {
  try {
    checkRequest(request);
    return true;
  } catch {
    return false;
  }
}
