import { checkAsk, checkCredential, checkHold, checkRecords } from "../../../ledger/check.ts";
import type { Ledger, Settlement, UsageRow } from "../../../ledger/port.ts";
import { publish } from "../../../ledger/publish.ts";
import { emptyState } from "../../../ledger/state.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import type { UsageRecord } from "../../../agreements/records/usage.ts";
import { OutOfReach } from "../../../errors.ts";
import { openBatcher } from "./batcher.ts";
import {
  askArgs,
  credentialArgs,
  keysOf,
  readAdmission,
  readLook,
  readPublished,
  readRelease,
  readSettlements,
  readState,
  recordArgs,
} from "./codec.ts";
import { openOutbox, type Drain } from "./outbox.ts";
import { openScript, type RedisOptions, type Run } from "../client.ts";
import { ledgerScript } from "./script.ts";

/** Chores (the bill, expiry without calls) may take longer than a call. */
const choreWaitMs = 5_000;

export interface UpstashLedgerOptions extends RedisOptions {
  /** Writes lines of the bill to D1, each once however often it is sent; throws unless it has all of them. */
  writeRows: (rows: UsageRow[]) => Promise<void>;
  /** Starts work that goes on after the answer (`waitUntil`). */
  later: (work: () => Promise<void>) => void;
  /** Unix ms, for tests. By default the clock of Redis counts: one clock for all edges. */
  now?: () => number;
}

/** The ledger in Redis, and the chores that a cron has to do for it. */
export interface UpstashLedger extends Ledger, Drain {}

/**
 * One Redis primary keeps every org's ledger, all keys of an org under one hash tag. Each method is one HTTP request
 * that runs one script, so it is atomic; `settleAll` is one request that runs it once an org, and in a rush calls share
 * requests (`openBatcher`). Whatever goes wrong on the way is thrown, never a grant by default (F1). A request that was
 * cut off by its deadline may have taken effect: a hold that nobody knows of is given back by its own deadline,
 * uncharged.
 */
export function upstashLedger(options: UpstashLedgerOptions): UpstashLedger {
  const { url, token, waitMsMax } = options;
  const script = openScript({ url, token, waitMsMax }, ledgerScript);
  const chores = openScript({ url, token, waitMsMax: choreWaitMs }, ledgerScript);
  const time = () => (options.now ? String(options.now()) : "");
  const turnOf = (org: OrgId, name: string, args: string[] = []) => ({
    keys: keysOf(org),
    args: [name, time(), ...args],
  });
  const run = openBatcher(script, waitMsMax);
  const turn = (org: OrgId, name: string, args?: string[]) => run(turnOf(org, name, args));
  const outbox = openOutbox(
    (turns) => chores.runAll(turns.map(({ org, name, args }) => turnOf(org, name, args))),
    options,
  );
  const take = (org: OrgId, records: UsageRecord[], reply: PromiseSettledResult<unknown> | undefined): Settlement[] => {
    if (reply?.status !== "fulfilled") throw reply?.reason ?? new OutOfReach("redis: no reply");
    const { rows, settlements } = readSettlements(records, reply.value);
    if (rows > 0) outbox.drainSoon(org);
    return settlements;
  };
  const settleAll: Ledger["settleAll"] = (batches) => {
    const runs: Run[] = [];
    // All wait for one request, which leaves when each org's records have been looked at; those of an org that are
    // refused are not in it.
    const request = Promise.withResolvers<PromiseSettledResult<unknown>[]>();
    const settling = batches.map(async ({ org, records }) => {
      checkRecords(org, records);
      const place = runs.push(turnOf(org, "settle", recordArgs(records))) - 1;
      return take(org, records, (await request.promise)[place]);
    });
    request.resolve(script.runAll(runs));
    return Promise.allSettled(settling);
  };
  return {
    ...outbox,
    admit: async (ask) => {
      checkAsk(ask);
      return readAdmission(ask, await turn(ask.org, "admit", askArgs(ask)));
    },
    look: async (credential) => {
      checkCredential(credential);
      return readLook(await turn(credential.org, "introspect", credentialArgs(credential)));
    },
    settle: async (org, records) => {
      const [answer] = await settleAll([{ org, records }]);
      if (answer?.status !== "fulfilled") throw answer?.reason;
      return answer.value;
    },
    settleAll,
    release: async (org, hold, mayRun = false) => {
      checkHold(hold);
      const settlement = readRelease(hold, await turn(org, "release", [hold, mayRun ? "1" : "0"]));
      if (settlement.result === "settled") outbox.drainSoon(org);
      return settlement;
    },
    publish: async (record) => {
      // Throws on what is malformed, in the words of every other ledger.
      publish(emptyState(), record);
      const [org, field] = record.kind === "org" ? [record.id, "org"] : [record.org, record.id];
      readPublished(await turn(org, "publish", [field, String(record.version), JSON.stringify(record)]));
    },
    inspect: async (org) => readState(org, await turn(org, "inspect")),
  };
}
