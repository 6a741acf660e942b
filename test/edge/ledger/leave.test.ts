import { expect, test } from "vitest";
import { apply } from "#edge/ledger/counters.ts";
import { decide } from "#edge/ledger/decide.ts";
import { findLeaveMs, leave, nextLeaveMs, planLeave } from "#edge/ledger/leave.ts";
import { publish } from "#edge/ledger/publish.ts";
import { createState, type State } from "#edge/ledger/state.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import { freshOrg, keyId, keyRecord, makeRequest, noon, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();
const id = keyId(org, 1);

/** The state after this record is published at `now`. */
const put = (before: State, n: number, fields: Partial<KeyRecord>, now = noon): State =>
  planLeave({ before, after: publish(before, keyRecord(org, n, fields))! }, keyId(org, n), now);

const born = publish(createState(), orgRecord(org, {}))!;

test("a key in force for good leaves never; one that ends does, until its end is taken back", () => {
  const kept = put(born, 1, {});
  expect([kept.leaving, nextLeaveMs(kept), leave(kept, Number.MAX_SAFE_INTEGER)]).toEqual([{}, Infinity, null]);
  const ending = put(kept, 1, { expiresAtMs: noon + 5, version: 2 });
  expect([ending.leaving, nextLeaveMs(ending)]).toEqual([
    { [id]: noon + 5 + keyRetentionMs },
    noon + 5 + keyRetentionMs,
  ]);
  expect(put(ending, 1, { version: 3 }).leaving).toEqual({});
});

test("an end is planned by what the ledger's clock has seen; a revoked key's by its first publication", () => {
  const ahead = { ...born, atMs: noon + 1_000 };
  expect(put(ahead, 1, { isRevoked: true }).leaving).toEqual({ [id]: noon + 1_000 + keyRetentionMs });
  expect(put(ahead, 1, { expiresAtMs: noon }).leaving).toEqual({ [id]: noon + 1_000 + keyRetentionMs });
  const revoked = put(born, 1, { isRevoked: true });
  expect(put(revoked, 1, { isRevoked: true, version: 2 }, noon + 9).leaving).toEqual(revoked.leaving);
  const back = put(revoked, 1, { version: 2 }, noon + 9);
  expect(put(back, 1, { isRevoked: true, version: 3 }, noon + 9).leaving).toEqual({ [id]: noon + 9 + keyRetentionMs });
  expect(findLeaveMs(born, null, noon)).toBeNull();
});

test("who leaves is out of keys and plans; a lineage's counters go with its last key, an open hold's stay", () => {
  let state = put(born, 1, { limits: { concurrency: 3 } });
  state = put(state, 2, { limits: { concurrency: 3 }, lineage: id });
  for (const key of [id, keyId(org, 2)]) {
    const decision = decide(state, makeRequest(org, { key, ttlMs: 24 * 3_600_000 }), null, noon);
    if (decision.kind === "granted") apply(state, { kind: "held", hold: decision.hold });
  }
  state = put(state, 1, { isRevoked: true, version: 2 });
  const one = leave(state, noon + keyRetentionMs)!;
  expect(leave(state, noon + keyRetentionMs - 1)).toBeNull();
  expect(one.keys).toEqual([state.keys[id]]);
  expect([Object.keys(one.after.keys), one.after.leaving]).toEqual([[keyId(org, 2)], {}]);
  expect(Object.keys(one.after.counters).toSorted()).toEqual([id, "org"].toSorted());
  expect(Object.keys(state.keys)).toHaveLength(2);
  const last = put(one.after, 2, { isRevoked: true, version: 2, lineage: id });
  expect(Object.keys(leave(last, noon + keyRetentionMs)!.after.counters)).toContain(id);
  const quiet = { ...last, holds: {} };
  expect(Object.keys(leave(quiet, noon + keyRetentionMs)!.after.counters)).toEqual(["org"]);
});
