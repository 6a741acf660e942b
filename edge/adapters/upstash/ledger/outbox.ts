import { z } from "zod";
import type { UsageRow } from "../../../ledger/port.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import { renameEnd } from "../../../agreements/records/usage.ts";
import { read } from "./codec.ts";

/**
 * Rows of the bill per statement to D1, orgs per request, and the wait after a settlement.
 */
const rowsMax = 500;
const orgsMax = 64;
/** Seven statements fail when one org of 64 has a bad row; when more do, D1 is away. */
const failuresMax = 8;
const drainMs = 1_000;
/**
 * Work after an answer may go on for 30 s (`waitUntil`). One round of draining ends well before that; a round that has
 * not ended by then is taken for dead.
 */
const roundMsMax = 15_000;
const deadMs = 30_000;

/** What a cron does for the ledgers in Redis. */
export interface LedgerSweeper {
  /**
   * Expires what is due in each org's ledger and moves its bill to D1. One org that fails does not stop the others; the
   * first error is thrown at the end.
   */
  sweep(orgs: OrgId[]): Promise<void>;
}

/** One command of the script on an org's keys. */
export interface OutboxCommand {
  org: OrgId;
  name: "outbox" | "drained" | "sweep";
  args: string[];
}

/** Runs commands in one request; each is answered at its index, and fails by itself. */
type RunCommands = (chores: OutboxCommand[]) => Promise<PromiseSettledResult<unknown>[]>;

/** What takes the bill, how work goes on after an answer, and the isolate's clock, Unix ms. */
export interface OutboxOptions {
  clock: () => number;
  writeRows: (rows: UsageRow[]) => Promise<void>;
  later: (work: () => Promise<void>) => void;
}

/** A page of an org's outbox. When it is full there may be more. */
interface Page {
  org: OrgId;
  ids: string[];
  rows: UsageRow[];
}

const Entries = z.array(z.string());
const RowCount = z.int();

/**
 * Moves the bill from Redis to D1, oldest first, for many orgs at a time. Rows leave the stream only after D1 has them:
 * a crash in between sends them again, and D1 knows them by id. Two edges that drain one org at once do the same work
 * twice, and no harm.
 */
export function openOutbox(run: RunCommands, { writeRows, later, clock }: OutboxOptions) {
  const drain = (orgs: OrgId[]) => drainAll(run, writeRows, orgs);
  /** Orgs that settled since this isolate last drained them. */
  let waiting = new Set<OrgId>();
  let busyUntilMs = 0;

  const drainRound = async (): Promise<void> => {
    const untilMs = clock() + roundMsMax;
    while (waiting.size > 0 && clock() < untilMs) {
      await new Promise((done) => setTimeout(done, drainMs));
      const orgs = Array.from(waiting);
      waiting = new Set();
      const failures = await drain(orgs);
      if (failures.length > 0) logFailures(orgs.length, failures);
    }
    busyUntilMs = 0;
  };
  return {
    /**
     * Drains once a second for all orgs of this isolate, however many settlements there are. What fails is left for the
     * cron.
     */
    drainSoon(org: OrgId): void {
      waiting.add(org);
      if (clock() < busyUntilMs) return;
      busyUntilMs = clock() + deadMs;
      later(drainRound);
    },
    async sweep(orgs: OrgId[]): Promise<void> {
      const failures: unknown[] = [];
      for (const batch of splitOrgs(orgs)) {
        const swept = await run(batch.map((org) => ({ org, name: "sweep", args: [] })));
        const rows = readEach(swept, failures, (reply, index) => ({
          org: batch[index] ?? "",
          rows: read(RowCount, reply),
        }));
        failures.push(...(await drain(rows.filter(({ rows }) => rows > 0).map(({ org }) => org))));
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Empties the outboxes of any number of orgs; a failure in one lot does not stop the next. Answers the failures. */
async function drainAll(run: RunCommands, writeRows: OutboxOptions["writeRows"], orgs: OrgId[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const batch of splitOrgs(orgs)) failures.push(...(await drainBatch(run, writeRows, batch)));
  return failures;
}

/** Empties the outboxes of at most `orgsMax` orgs. Answers the failures. */
async function drainBatch(run: RunCommands, writeRows: OutboxOptions["writeRows"], orgs: OrgId[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  const unwritten: unknown[] = [];
  for (let full = orgs; full.length > 0;) {
    const count = Math.ceil(rowsMax / full.length);
    const found = await run(full.map((org) => ({ org, name: "outbox", args: [String(count)] })));
    const pages = readEach(found, failures, (reply, index) => readPage(full[index] ?? "", reply)).filter(
      ({ rows }) => rows.length > 0,
    );
    const written = await writePages(writeRows, pages, unwritten);
    const drained = await run(written.map(({ org, ids }) => ({ org, name: "drained", args: ids })));
    full = readEach(drained, failures, (_, index) => written[index]).flatMap((page) =>
      page?.rows.length === count ? page.org : [],
    );
  }
  return [...failures, ...unwritten];
}

function logFailures(orgs: number, failures: unknown[]): void {
  const cause = String(failures[0]);
  console.error(JSON.stringify({ event: "usage_drain_failed", orgs, failures: failures.length, cause }));
}

/**
 * Into D1 in one statement; if that fails, in halves, so that a row that D1 will never take does not hold back another
 * org's. Answers the pages that arrived.
 */
async function writePages(writeRows: OutboxOptions["writeRows"], pages: Page[], failures: unknown[]): Promise<Page[]> {
  if (pages.length === 0 || failures.length >= failuresMax) return [];
  try {
    await writeRows(pages.flatMap(({ rows }) => rows));
    return pages;
  } catch (cause) {
    failures.push(cause);
    if (pages.length === 1) return [];
    const half = Math.ceil(pages.length / 2);
    return [
      ...(await writePages(writeRows, pages.slice(0, half), failures)),
      ...(await writePages(writeRows, pages.slice(half), failures)),
    ];
  }
}

function readPage(org: OrgId, reply: unknown): Page {
  const entries = read(Entries, reply);
  const isId = (_: string, index: number) => index % 2 === 0;
  return {
    org,
    ids: entries.filter(isId),
    rows: entries.filter((_, index) => index % 2 === 1).map(readRow),
  };
}

/** A line of the bill, which an older version of the script may have written. */
function readRow(text: string): UsageRow {
  const row = JSON.parse(text) as UsageRow;
  return { ...row, end: renameEnd(row.end) as UsageRow["end"] };
}

/** What could be read of the replies, in their order; the rest goes to `failures`. */
function readEach<T>(
  replies: PromiseSettledResult<unknown>[],
  failures: unknown[],
  readReply: (reply: unknown, index: number) => T,
): T[] {
  return replies.flatMap((reply, index) => {
    try {
      if (reply.status === "rejected") throw reply.reason;
      return [readReply(reply.value, index)];
    } catch (cause) {
      failures.push(cause);
      return [];
    }
  });
}

function splitOrgs(orgs: OrgId[]): OrgId[][] {
  return Array.from({ length: Math.ceil(orgs.length / orgsMax) }, (_, index) =>
    orgs.slice(index * orgsMax, (index + 1) * orgsMax),
  );
}
