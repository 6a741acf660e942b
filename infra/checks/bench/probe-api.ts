import type { HoldRequest } from "#edge/ledger/port.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";

/** What the bench sends its probe, as JSON by POST; the path says which request it is. */
export interface ProbeRequests {
  "/publish": { records: (OrgRecord | KeyRecord)[] };
  "/inspect": { orgs: string[] };
  /** `batch`: records of a settlement. */
  "/pairs": { ask: Omit<HoldRequest, "hold">; pairs: number; atOnce: number; batch: number };
  /** What `/admit` answers, without calling the ledger. */
  "/nothing": { ask: Omit<HoldRequest, "hold"> };
  "/admit": { ask: Omit<HoldRequest, "hold"> };
  /** Settles an org's open holds. */
  "/settle-open": { org: OrgId };
  "/counts": Record<string, never>;
}

/** What the probe answers. */
export interface ProbeResponses {
  "/publish": { published: number };
  /**
   * Over all the orgs in the request: open holds, calls that were settled, and rows of the bill (of every org) that
   * reached D1.
   */
  "/inspect": { openHolds: number; settledCalls: number; rowsWaiting: number; rowsOut: number };
  /** `why`: what the ledger threw first, if it threw. */
  "/pairs": { settled: number; why: string | null };
  "/nothing": { hold: string };
  "/admit": { hold: string };
  "/settle-open": { settled: number };
  "/counts": Record<string, number>;
}
