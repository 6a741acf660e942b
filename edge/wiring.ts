import { importJWK } from "jose";
import { cloudflareIpLimit } from "./adapters/cloudflare/ip-limit.ts";
import { durableObjectFleet } from "./adapters/durable-object/fleet/fleet.ts";
import { durableObjectLedger } from "./adapters/durable-object/ledger/ledger.ts";
import { openLedgerMover } from "./adapters/durable-object/ledger/moves/ledger-mover.ts";
import { readOrgs } from "./adapters/d1/orgs.ts";
import { d1StorageControl } from "./adapters/d1/storage-control.ts";
import { d1ResponseStore } from "./adapters/d1/stored-responses.ts";
import { writeUsage } from "./adapters/d1/usage.ts";
import { leasingLedger } from "./adapters/leases/ledger.ts";
import { memoryIpLimit } from "./adapters/memory/ip-limit.ts";
import { upstashIpLimit } from "./adapters/upstash/ip-limit.ts";
import { dohResolver } from "./adapters/web/doh-resolver.ts";
import { fetchLeakKeys } from "./adapters/web/leak-keys.ts";
import { fetchWebhookSender } from "./adapters/web/webhook-sender.ts";
import { within } from "./adapters/within.ts";
import { runAfterAnswer } from "./adapters/early.ts";
import { upstashLedger } from "./adapters/upstash/ledger/ledger.ts";
import type { Ledger } from "./ledger/port.ts";
import { openMasterKeys as openMasters } from "./agreements/sealing.ts";
import { dnsWaitMsMax } from "./agreements/webhooks/limits.ts";
import type { OrgId } from "./agreements/tokens/ids.ts";
import { openKeyring } from "./agreements/tokens/key-format.ts";
import { openNodeKeyFinder } from "./agreements/tokens/node-keys.ts";
import { openTickets } from "./agreements/tokens/ticket.ts";
import { boundDatabase } from "./control/http/database.ts";
import type { ControlPorts, WebhookPorts } from "./control/http/port.ts";
import { LimitEvents } from "./control/events/limit-reached.ts";
import { deliverDue, type DelivererPorts } from "./control/webhooks/sending/deliver.ts";
import { tendWebhooks } from "./control/webhooks/sending/tend.ts";
import { describeCause } from "./errors.ts";
import { MisconfiguredError, readSettings, type Env, type Settings } from "./env.ts";
import { openRetryBudget } from "./forwarding/index.ts";
import { openVerifiedKeys, type IpLimits, type TokenKey } from "./identity/index.ts";
import type { IpLimit } from "./identity/port.ts";
import { databaseWaitMsMax } from "./limits.ts";
import type { Ports } from "./ports.ts";
import { openBoundFactors } from "./admission/index.ts";
import { openTierClassifier } from "./routing/index.ts";
import {
  openMasterKeys,
  openResponseStorage,
  openRetentionSwitch,
  tendStorage,
  type ResponseStorage,
  type RetentionTerms,
} from "./storage/index.ts";
import { drawChance, generateRandomBytes, readClock } from "./visit.ts";

/** The wired edge: what calls need and what the control plane needs. */
export interface Wiring {
  ports: Ports;
  control: ControlPorts;
  /** What the cron does each minute. */
  chores: () => Promise<void>;
}

/** One wiring per isolate and environment; it lives as long as the isolate. */
const wirings = new WeakMap<Env, Promise<Wiring>>();

/**
 * Builds the ports from the environment; the only place that names adapters. Rejects when a setting is missing or
 * malformed, and then nothing is served.
 */
export function wire(env: Env): Promise<Wiring> {
  const known = wirings.get(env);
  if (known) return known;
  const wiring = openWiring(env);
  wirings.set(env, wiring);
  return wiring;
}

async function openWiring(env: Env): Promise<Wiring> {
  const settings = readSettings(env);
  const keyring = await openKeyring({ tagKeys: settings.TAG_KEYS, peppers: settings.PEPPERS });
  const tokenKey = await openTokenKey(settings.TOKEN_KEY);
  const nodeKeys = openNodeKeyFinder(
    settings.NODE_MASTER_KEYS,
    settings.NODES.map(({ id }) => id),
  );
  const fleet = durableObjectFleet(env.FLEET, settings.NODES);
  const { ledger: straight, chores } = openLedger(env, settings);
  const { storage, retention } = await openStorage(env, settings);
  const ledger = leasingLedger(straight, {
    leaseMs: settings.LEASE_MS,
    now: readClock,
    random: generateRandomBytes,
    later: runAfterAnswer,
    wait: (ms) => new Promise((done) => void setTimeout(done, ms)),
  });
  const events = await openEvents(env, settings);
  const classifier = openTierClassifier(settings.MODELS, settings.NODES);
  const tickets = openTickets(keyring, settings.TICKETS === "optional");
  const origin = { nodeKeys, tickets, budget: openRetryBudget(), observer: fleet };
  return {
    ports: {
      ips: openIpLimits(env, settings),
      keys: openVerifiedKeys(keyring),
      tokenKey,
      ipHeader: settings.CLIENT_IP_HEADER ?? null,
      models: settings.MODELS,
      currency: settings.CURRENCY,
      nodes: settings.NODES,
      nodeKeys,
      ledger,
      fleet,
      storage,
      classifier,
      boundFactors: openBoundFactors(),
      noteDenial: events.noteDenial,
      origin,
      tickets,
      holdGraceMs: settings.HOLD_GRACE_MS,
    },
    control: {
      ...events.control,
      keyring,
      bootstrapToken: settings.BOOTSTRAP_TOKEN ?? null,
      sessions: null,
      ipHeader: settings.CLIENT_IP_HEADER ?? null,
      publisher: ledger,
      retention: retention && openRetentionSwitch(retention),
      mover: settings.LEDGER.kind === "durable-object" ? openLedgerMover(env.LEDGERS) : null,
      models: settings.MODELS,
      fleet,
      currency: settings.CURRENCY,
    },
    chores: () => runAll([chores, async () => retention && tendStorage(retention), events.tend]),
  };
}

/** Runs each, also where one before it has failed; the platform's log still says that the chores failed. */
async function runAll(chores: (() => Promise<unknown>)[]): Promise<void> {
  const ends = await Promise.allSettled(chores.map((chore) => chore()));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** The platform's `fetch`, which may not be called as another object's method. */
const askWeb: typeof fetch = (...given) => fetch(...given);

async function openWebhookPorts(settings: Settings): Promise<WebhookPorts> {
  const { STORE_KEYS: secrets, DNS_URL: url, WEBHOOK_WAIT_MS: waitMsMax, WEBHOOK_WINDOW_MS: windowMs } = settings;
  return {
    masters: secrets ? await openMasters(secrets, "webhook secrets") : null,
    resolver: dohResolver({ url, waitMsMax: dnsWaitMsMax, fetch: askWeb }),
    sender: fetchWebhookSender({ waitMsMax, fetch: askWeb }),
    isLocal: settings.WEBHOOKS_LOCAL === "on",
    windowMs,
  };
}

/** The store of control and all that events need beside it: where they go, who is told, what refusals make of them. */
async function openEvents(env: Env, settings: Settings) {
  const db = boundDatabase(env.DB, (answer) => within(databaseWaitMsMax, "d1", answer));
  const mailer = null;
  const webhooks = await openWebhookPorts(settings);
  const { nudge, tend } = openDeliverer({ db, mailer, webhooks });
  const limitEvents = new LimitEvents(db, nudge);
  const noteDenial: Ports["noteDenial"] = (visit, { org, key }, denial) => {
    const work = limitEvents.note(denial, { org, key, nowMs: visit.now() });
    if (work) visit.afterwards(work);
  };
  const leakKeys = settings.LEAK_KEYS_URL === undefined ? null : fetchLeakKeys(settings.LEAK_KEYS_URL, askWeb);
  return { control: { db, mailer, webhooks, deliverer: { nudge }, leakKeys }, tend, noteDenial };
}

/** Sends behind a request, which never fails for it, and by the cron, whose failures the platform's log shows. */
function openDeliverer(ports: Pick<DelivererPorts, "db" | "mailer" | "webhooks">) {
  const log: DelivererPorts["log"] = (event, facts) => console.log(JSON.stringify({ event, ...facts }));
  const all = { ...ports, now: readClock, random: generateRandomBytes, chance: drawChance, log };
  return {
    nudge: (org: OrgId) =>
      deliverDue(all, org).catch((cause: unknown) => log("nudge_failed", { org, cause: describeCause(cause) })),
    tend: () => tendWebhooks(all),
  };
}

/** Without a bucket there is no storage; without keys what there was of it can still be switched off and swept. */
async function openStorage(
  env: Env,
  { STORE_KEYS: secrets }: Settings,
): Promise<{ storage: ResponseStorage | null; retention: RetentionTerms | null }> {
  if (!env.RESPONSES) return { storage: null, retention: null };
  const bindings = { db: env.DB, bucket: env.RESPONSES };
  const masters = secrets ? await openMasterKeys(secrets) : null;
  return {
    storage: masters && openResponseStorage(d1ResponseStore(bindings), masters),
    retention: { control: d1StorageControl(bindings), masters, now: readClock, random: generateRandomBytes },
  };
}

/** How long D1 may take to store usage rows. */
const usageWaitMsMax = 10_000;

/**
 * Durable Objects wake themselves. Redis needs the cron to expire holds of idle orgs and to hand over their usage rows.
 */
function openLedger(env: Env, settings: Settings): { ledger: Ledger; chores: () => Promise<void> } {
  const { LEDGER } = settings;
  if (LEDGER.kind === "durable-object")
    return { ledger: durableObjectLedger(env.LEDGERS), chores: async () => undefined };
  const ledger = upstashLedger({
    url: LEDGER.url,
    token: LEDGER.token,
    waitMsMax: LEDGER.waitMsMax,
    writeRows: (rows) => writeUsage(env.DB, rows, usageWaitMsMax),
    clock: readClock,
    later: runAfterAnswer,
  });
  const chores = async () => {
    const failures: unknown[] = [];
    for await (const orgs of readOrgs(env.DB, databaseWaitMsMax))
      await ledger.sweep(orgs).catch((cause: unknown) => failures.push(cause));
    // A page that fails has not stopped the next; the platform's log still says that the chores failed.
    if (failures.length > 0) throw failures[0];
  };
  return { ledger, chores };
}

/**
 * Each isolate counts addresses itself; Redis counts them for all edges, or the platform's binding for one location.
 * The log says when there is no such shared count.
 */
function openIpLimits(env: Env, settings: Settings): IpLimits | null {
  const { IP_PER_SECOND: perSecond, IP_EXEMPT: exempt, CLIENT_IP_HEADER: header = null } = settings;
  const isCounted = perSecond > 0 && header !== null;
  const shared = isCounted ? openSharedIpLimit(env, settings) : null;
  if (!shared)
    console.warn(
      JSON.stringify({ event: "ip_limit", perSecond, countedBy: isCounted ? "each isolate alone" : "nobody" }),
    );
  return isCounted ? { local: memoryIpLimit({ perSecond, now: readClock }), shared, exempt, header } : null;
}

function openSharedIpLimit(env: Env, settings: Settings): IpLimit | null {
  const { LEDGER, IP_PER_SECOND: perSecond } = settings;
  if (LEDGER.kind === "upstash") return upstashIpLimit({ ...LEDGER, perSecond, now: readClock });
  return env.IP_COUNTER ? cloudflareIpLimit({ counter: env.IP_COUNTER, now: readClock }) : null;
}

/** Both halves of the key that signs client tokens. */
async function openTokenKey(jwk: Settings["TOKEN_KEY"]): Promise<TokenKey> {
  const { kid, kty, crv, x } = jwk;
  try {
    const [privateKey, publicKey] = await Promise.all([importJWK(jwk, "EdDSA"), importJWK({ kty, crv, x }, "EdDSA")]);
    if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) throw new TypeError("a symmetric key");
    return { kid, privateKey, publicKey };
  } catch {
    throw new MisconfiguredError(["TOKEN_KEY is not an Ed25519 key pair"]);
  }
}
