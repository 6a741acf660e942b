import { z } from "zod";
import type { UsageRow } from "../../admission/port.ts";
import type { OrgId } from "../../agreements/ids.ts";
import { read } from "./ledger-wire.ts";

/** Lines of the bill that go to D1 in one statement, and how long after a settlement they go. */
const rowsMax = 500;
const drainMs = 1_000;

/** What a cron does for the ledgers in Redis. */
export interface Drain {
  /** Expires what is due in each org's ledger and moves its bill to D1. One org that fails does not keep the others; their first error is thrown at the end. */
  sweep(orgs: OrgId[]): Promise<void>;
}

/** Runs one turn of the script on an org's keys. */
type Turn = (org: OrgId, name: "outbox" | "drained" | "sweep", args: string[]) => Promise<unknown>;

/**
 * The way of the bill from Redis to D1, oldest first. Rows leave the stream only after D1 has them: a crash in between sends them again, and D1 knows them by
 * id. Two edges that drain one org at once do the same work twice, and no harm.
 */
export function openOutbox(turn: Turn, options: { writeRows: (rows: UsageRow[]) => Promise<void>; later: (work: () => Promise<void>) => void }) {
  /** Orgs whose drain is under way in this isolate; each leaves within seconds. */
  const draining = new Set<OrgId>();

  const drain = async (org: OrgId): Promise<void> => {
    for (;;) {
      const entries = read(z.array(z.string()), await turn(org, "outbox", [String(rowsMax)]));
      if (entries.length === 0) return;
      const ids = entries.filter((_, index) => index % 2 === 0);
      const rows = entries.filter((_, index) => index % 2 === 1).map((row) => JSON.parse(row) as UsageRow);
      await options.writeRows(rows);
      await turn(org, "drained", ids);
    }
  };
  const drainOnce = async (org: OrgId): Promise<void> => {
    await new Promise((done) => setTimeout(done, drainMs));
    draining.delete(org);
    await drain(org).catch((cause: unknown) => console.error(JSON.stringify({ event: "usage_drain_failed", org, cause: String(cause) })));
  };
  return {
    /** Once a second for each org, however many settlements there are; what fails is left for the cron. */
    drainSoon(org: OrgId): void {
      if (draining.has(org)) return;
      draining.add(org);
      options.later(() => drainOnce(org));
    },
    async sweep(orgs: OrgId[]): Promise<void> {
      const failures: unknown[] = [];
      for (const org of orgs) {
        try {
          if (read(z.int(), await turn(org, "sweep", [])) > 0) await drain(org);
        } catch (cause) {
          failures.push(cause);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
