import {
  checkClosing,
  checkCredential,
  checkHold,
  checkLease,
  checkLeased,
  checkRecords,
  checkRequest,
} from "../../../ledger/check.ts";
import type { Ledger, SettledRecord, UsageRow } from "../../../ledger/port.ts";
import { findHome, publish, trimRevoked } from "../../../ledger/publish.ts";
import { createState } from "../../../ledger/state.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import { OutOfReach } from "../../../errors.ts";
import { openBatcher } from "./batcher.ts";
import {
  encodeCredential,
  encodeLease,
  encodeRelease,
  encodeRequest,
  listKeys,
  readClosed,
  readIntrospection,
  readLease,
  readPublished,
  readRelease,
  readSettlements,
  readState,
  encodeRecords,
} from "./codec.ts";
import { encodeClosing } from "./leases.ts";
import { readCancelled, WaitingPolls } from "./waiting.ts";
import { openOutbox, type LedgerSweeper } from "./outbox.ts";
import { openScript, type RedisOptions, type Run, type Script } from "../client.ts";
import { ledgerScript } from "./script.ts";

/** Work that no caller waits for (the bill, expiry without calls) may take longer. */
const slowWaitMs = 5_000;

/** Where Redis is, what takes the bill, and what goes on after an answer. */
export interface UpstashLedgerOptions extends RedisOptions {
  /** Writes lines of the bill to D1, each once however often it is sent; throws unless it has all of them. */
  writeRows: (rows: UsageRow[]) => Promise<void>;
  /** Starts work that goes on after the answer (`waitUntil`). */
  later: (work: () => Promise<void>) => void;
  /** This isolate's clock, Unix ms: it bounds the isolate's own work, and decides nothing for an org. */
  clock: () => number;
  /** Unix ms, for tests. By default the clock of Redis counts: one clock for all edges. */
  now?: () => number;
  /** How it waits for the end of leases; by default in real time. */
  wait?: (ms: number) => Promise<void>;
}

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** The ledger in Redis, and the chores that a cron has to do for it. */
export interface UpstashLedger extends Ledger, LedgerSweeper {}

/**
 * One Redis primary keeps every org's ledger, all keys of an org under one hash tag. Each method is one HTTP request
 * that runs one script, so it is atomic; `settleAll` is one request that runs it once an org, and in a rush calls share
 * requests (`openBatcher`). After `publish` this isolate waits as long as the script says. Whatever goes wrong on the
 * way is thrown, never a grant by default (F1). A request that was cut off by its deadline may have taken effect: a
 * hold that nobody knows of is given back by its own deadline, uncharged, and a lease by its own.
 */
export function upstashLedger(options: UpstashLedgerOptions): UpstashLedger {
  const { url, token, waitMsMax, wait = sleep } = options;
  const script = openScript({ url, token, waitMsMax }, ledgerScript);
  const slowScript = openScript({ url, token, waitMsMax: slowWaitMs }, ledgerScript);
  const makeRun = (org: OrgId, name: string, args: string[] = []): Run => ({
    keys: listKeys(org),
    args: [name, options.now ? String(options.now()) : "", ...args],
  });
  const batched = openBatcher(script, waitMsMax, options.clock);
  const run = (org: OrgId, name: string, args?: string[]) => batched(makeRun(org, name, args));
  const outbox = openOutbox(
    (commands) => slowScript.runAll(commands.map(({ org, name, args }) => makeRun(org, name, args))),
    options,
  );
  const settleAll = openSettleAll(script, makeRun, outbox.drainSoon);
  return {
    sweep: outbox.sweep,
    ...openAdmission(run, options.clock),
    introspect: async (credential) => {
      checkCredential(credential);
      return readIntrospection(await run(credential.org, "introspect", encodeCredential(credential)));
    },
    settle: async (org, records) => {
      const [answer] = await settleAll([{ org, records }]);
      if (answer?.status !== "fulfilled") throw answer?.reason;
      return answer.value;
    },
    settleAll,
    release: async (org, hold, mayRun = false, leased = undefined) => {
      checkHold(hold);
      if (leased) checkLeased(leased);
      const args = encodeRelease(org, hold, mayRun, leased ?? null);
      const settlement = readRelease(hold, await run(org, "release", args));
      if (settlement.result === "settled") outbox.drainSoon(org);
      return settlement;
    },
    lease: async (credential, request) => {
      checkCredential(credential);
      checkLease(request);
      return readLease(request, await run(credential.org, "lease", encodeLease(credential, request)));
    },
    closeLease: async (org, closing) => {
      checkClosing(closing);
      readClosed(await run(org, "closeLease", encodeClosing(closing)));
    },
    publish: async (record) => {
      // Throws on a malformed record, with the same words as every other ledger.
      publish(createState(), record);
      const kept = record.kind === "key" ? trimRevoked(record) : record;
      const field = kept.kind === "org" ? "org" : kept.id;
      const reply = await run(findHome(kept), "publish", [field, String(kept.version), JSON.stringify(kept)]);
      const leasedForMs = readPublished(reply);
      if (leasedForMs > 0) await wait(leasedForMs);
    },
    inspect: async (org) => readState(org, await run(org, "inspect")),
  };
}

/** Runs a command of the script. */
type RunCommand = (org: OrgId, name: string, args?: string[]) => Promise<unknown>;

function openAdmission(run: RunCommand, now: () => number): Pick<Ledger, "admit" | "cancelWait"> {
  const polls = new WaitingPolls(now);
  return {
    admit: async (request) => {
      checkRequest(request);
      return polls.admit(request, (each, wait) => run(each.org, "admit", encodeRequest(each, wait)));
    },
    cancelWait: async (org, hold) => {
      checkHold(hold);
      polls.cancel(hold);
      readCancelled(await run(org, "cancelWait", [hold]));
    },
  };
}

function openSettleAll(
  script: Script,
  makeRun: (org: OrgId, name: string, args: string[]) => Run,
  drainSoon: (org: OrgId) => void,
): Ledger["settleAll"] {
  const readOrg = (org: OrgId, records: SettledRecord[], reply: PromiseSettledResult<unknown> | undefined) => {
    if (reply?.status !== "fulfilled") throw reply?.reason ?? new OutOfReach("redis: no reply");
    const { rows, settlements } = readSettlements(records, reply.value);
    if (rows > 0) drainSoon(org);
    return settlements;
  };
  return (batches) => {
    const runs: Run[] = [];
    // All orgs share one request. It leaves when each org's records have been checked, without those of an org whose
    // records were refused.
    const request = Promise.withResolvers<PromiseSettledResult<unknown>[]>();
    const settling = batches.map(async ({ org, records }) => {
      const index = runs.push(makeRun(org, "settle", encodeRecords(checkRecords(org, records)))) - 1;
      return readOrg(org, records, (await request.promise)[index]);
    });
    request.resolve(script.runAll(runs));
    return Promise.allSettled(settling);
  };
}
