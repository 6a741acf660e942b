import { KeyRecord } from "../agreements/records/key.ts";
import { OrgRecord } from "../agreements/records/org.ts";
import { ProjectRecord } from "../agreements/records/project.ts";
import { windowNames } from "../agreements/records/windows.ts";
import type { OrgId } from "../agreements/tokens/ids.ts";
import { countsUntilMs, createCounters, freesAtMs, readUse } from "./counters.ts";
import type { LedgerState, PublishedRecord, WindowState } from "./port.ts";
import { findOwner, tokensHeld, type Counters, type State } from "./state.ts";

/**
 * The state with a record in force. `null` when one of a higher version is: then nothing changes. Records of another
 * org than this ledger's and malformed ones throw. Calls that a key makes while it has no limits of its own are never
 * counted to it, also when it is given some later; to its project they are, from the moment that it is in one.
 */
export function publish(state: State, record: PublishedRecord): State | null {
  const { data: fresh, error } = schemas[record.kind].safeParse(record);
  // Not the ZodError itself: its text is lost on the way out of a Durable Object.
  if (error) throw new TypeError(`ledger: '${error.issues[0]?.path.join(".")}' is not acceptable`);
  const org = findHome(fresh);
  const [first] = [...Object.values(state.keys).slice(0, 1), ...Object.values(state.projects).slice(0, 1)];
  const mine = state.org?.id ?? first?.org ?? org;
  if (org !== mine) throw new TypeError("ledger: the record belongs to another org");
  const known = fresh.kind === "org" ? state.org : state[fresh.kind === "key" ? "keys" : "projects"][fresh.id];
  if (known && fresh.version < known.version) return null;
  if (fresh.kind === "org") return { ...state, org: fresh };
  if (fresh.kind === "project") return { ...state, projects: { ...state.projects, [fresh.id]: fresh } };
  return { ...state, keys: { ...state.keys, [fresh.id]: trimRevoked(fresh) } };
}

const schemas = { org: OrgRecord, key: KeyRecord, project: ProjectRecord };

/** The org that a record belongs to. */
export function findHome(record: PublishedRecord): OrgId {
  return record.kind === "org" ? record.id : record.org;
}

/** Nobody asks what a revoked key may do, and its ranges alone may take 9 kB: they go at once. */
export function trimRevoked(key: KeyRecord): KeyRecord {
  return key.isRevoked ? { ...key, endpoints: null, models: null, ipRanges: null } : key;
}

/**
 * Every window of the org and every limited one of each project and key, at `now`; `null` before the org was published.
 * Holds past their deadline must have been expired.
 */
export function inspect(state: State, now: number, outboxRows: number): LedgerState | null {
  const { org } = state;
  if (!org) return null;
  const atMs = Math.max(now, state.atMs);
  const windows = windowNames.map((window) =>
    readWindow(state.counters["org"], { window, of: "org", limit: org.limits[window] }, atMs),
  );
  for (const each of [...Object.values(state.projects), ...Object.values(state.keys)]) {
    const counters = state.counters[each.kind === "key" ? findOwner(each) : each.id];
    for (const window of windowNames) {
      const limit = each.limits?.[window] ?? null;
      if (limit !== null) windows.push(readWindow(counters, { window, of: each.id, limit }, atMs));
    }
  }
  const openHolds = Object.values(state.holds).map((hold) => ({
    hold: hold.id,
    key: hold.key,
    tokens: tokensHeld(hold),
    expiresAtMs: hold.expiresAtMs,
  }));
  const leases = Object.values(state.leases).map(({ id, key, left, endsAtMs }) => ({
    lease: id,
    key,
    calls: left.calls,
    tokens: left.tokens,
    endsAtMs,
  }));
  return { org: org.id, atMs, windows, openHolds, leases, outboxRows };
}

/**
 * `remaining` goes below 0 when a limit was lowered under what is used, or a correction came late: the sum always
 * holds.
 */
function readWindow(
  counters: Counters | undefined,
  { window, of, limit }: Pick<WindowState, "window" | "of" | "limit">,
  atMs: number,
): WindowState {
  const mine = counters ?? createCounters();
  const { held, settled } = readUse(mine, window, atMs);
  const isEmpty = held + settled === 0;
  const resetAtMs = isEmpty || countsUntilMs(window, atMs) === null ? null : freesAtMs(mine, window, atMs, Infinity);
  return { window, of, limit, remaining: limit === null ? null : limit - held - settled, held, settled, resetAtMs };
}
