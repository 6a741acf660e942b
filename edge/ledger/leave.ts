import type { KeyRecord } from "../agreements/records/key.ts";
import type { KeyId } from "../agreements/tokens/ids.ts";
import { keyRetentionMs } from "../limits.ts";
import { findOwner, listOwners, type State } from "./state.ts";

/**
 * Notes when a key that was just published leaves the ledger: `keyRetentionMs` after its end. A key that was revoked
 * has ended by the time of its publication, the first one if there are several; one that expires does so at its time,
 * or when it is published if that is later: until then it may have been in force. A key that does not end leaves never.
 */
export function planLeave({ before, after }: { before: State; after: State }, id: KeyId, now: number): State {
  const leavesAtMs = findLeaveMs(before, after.keys[id] ?? null, Math.max(now, before.atMs));
  const { [id]: _, ...leaving } = after.leaving;
  return { ...after, leaving: leavesAtMs === null ? leaving : { ...leaving, [id]: leavesAtMs } };
}

/** When a key with this record leaves, if it comes into force at `atMs`; `null` for never. */
export function findLeaveMs(before: State, key: KeyRecord | null, atMs: number): number | null {
  if (!key) return null;
  const planned = before.keys[key.id]?.isRevoked ? before.leaving[key.id] : undefined;
  if (key.isRevoked) return planned ?? atMs + keyRetentionMs;
  return key.expiresAtMs === null ? null : Math.max(key.expiresAtMs, atMs) + keyRetentionMs;
}

/**
 * The keys whose time to leave has come, and the state without them; `null` when there is none. The counters of a
 * lineage go with its last key, unless a hold is still open in them. Holds past their deadline must have been expired.
 */
export function leave(state: State, now: number): { keys: KeyRecord[]; after: State } | null {
  const atMs = Math.max(now, state.atMs);
  const [keys, leaving, counters] = [{ ...state.keys }, { ...state.leaving }, { ...state.counters }];
  const left: KeyRecord[] = [];
  for (const [id, leavesAtMs] of Object.entries(state.leaving)) {
    const key = keys[id];
    if (!key || leavesAtMs > atMs) continue;
    left.push(key);
    delete keys[id];
    delete leaving[id];
  }
  if (left.length === 0) return null;
  const kept = new Set([...Object.values(keys).map(findOwner), ...Object.values(state.holds).flatMap(listOwners)]);
  for (const owner of left.map(findOwner)) if (!kept.has(owner)) delete counters[owner];
  return { keys: left, after: { ...state, keys, leaving, counters } };
}

/** When the next key leaves; `Infinity` when none does. */
export function nextLeaveMs({ leaving }: State): number {
  let next = Infinity;
  for (const id in leaving) next = Math.min(next, leaving[id] ?? Infinity);
  return next;
}
