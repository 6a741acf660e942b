import type { HoldRequest } from "#edge/ledger/port.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";

/** What the bench asks at its probe, as JSON by POST; the path says which. */
export interface ProbeRequests {
  "/publish": { records: (OrgRecord | KeyRecord)[] };
  "/inspect": { orgs: string[] };
  /** `batch`: records of a settlement. */
  "/pairs": { ask: Omit<HoldRequest, "hold">; pairs: number; atOnce: number; batch: number };
  /** What `/admit` answers, without asking the ledger. */
  "/nothing": { ask: Omit<HoldRequest, "hold"> };
  "/admit": { ask: Omit<HoldRequest, "hold"> };
  /** Settles what an org has open. */
  "/settle-open": { org: OrgId };
  "/counts": Record<string, never>;
}

/** What the probe answers. */
export interface ProbeResponses {
  "/publish": { published: number };
  /**
   * Over all the orgs asked for: holds that are open, calls that were booked as done, and rows of the bill (of every
   * org) that came out.
   */
  "/inspect": { openHolds: number; settledCalls: number; rowsWaiting: number; rowsOut: number };
  /** `why`: what the ledger threw first, if it threw. */
  "/pairs": { settled: number; why: string | null };
  "/nothing": { hold: string };
  "/admit": { hold: string };
  "/settle-open": { settled: number };
  "/counts": Record<string, number>;
}
