import { base64url, importJWK } from "jose";
import { cloudflareIpLimit } from "./adapters/cloudflare/ip-limit.ts";
import { durableObjectFleet } from "./adapters/durable-object/fleet/fleet.ts";
import { durableObjectLedger } from "./adapters/durable-object/ledger/ledger.ts";
import { openLedgerMover } from "./adapters/durable-object/ledger/moves/ledger-mover.ts";
import { readOrgs } from "./adapters/d1/orgs.ts";
import { d1StorageControl } from "./adapters/d1/storage-control.ts";
import { d1ResponseStore } from "./adapters/d1/stored-responses.ts";
import { readPrices } from "./adapters/d1/prices.ts";
import { writeUsage } from "./adapters/d1/usage.ts";
import { leasingLedger } from "./adapters/leases/ledger.ts";
import { memoryIpLimit } from "./adapters/memory/ip-limit.ts";
import { upstashIpLimit } from "./adapters/upstash/ip-limit.ts";
import { within } from "./adapters/within.ts";
import { runAfterAnswer } from "./adapters/early.ts";
import { upstashLedger } from "./adapters/upstash/ledger/ledger.ts";
import type { Ledger } from "./ledger/port.ts";
import { openKeyring } from "./agreements/tokens/key-format.ts";
import { openNodeKeyFinder } from "./agreements/tokens/node-keys.ts";
import { openTickets } from "./agreements/tokens/ticket.ts";
import { publishLeft } from "./control/publishing/publish-left.ts";
import { signHeads, type HeadSigner } from "./control/audit/sign-heads.ts";
import { boundDatabase } from "./control/http/database.ts";
import type { Database } from "./control/http/store.ts";
import { deleteEnded } from "./control/sign-in/queries.ts";
import type { ControlPorts } from "./control/http/port.ts";
import { MisconfiguredError, readSettings, type Env, type Settings } from "./env.ts";
import { openRetryBudget } from "./forwarding/index.ts";
import { openVerifiedKeys, type IpLimits, type TokenKey } from "./identity/index.ts";
import type { IpLimit } from "./identity/port.ts";
import { databaseWaitMsMax } from "./limits.ts";
import type { Ports } from "./ports.ts";
import { openBoundFactors } from "./admission/index.ts";
import { openPrices } from "./admission/prices.ts";
import { openTierClassifier } from "./routing/index.ts";
import {
  openMasterKeys,
  openResponseStorage,
  openRetentionSwitch,
  tendStorage,
  type ResponseStorage,
  type RetentionTerms,
} from "./storage/index.ts";
import { generateRandomBytes, readClock } from "./visit.ts";
import { openArchiver, openEvents, openLoginMasters, openSignIn } from "./wiring/control.ts";

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
  const ledger = leaseFrom(straight, settings.LEASE_MS);
  const db = boundDatabase(env.DB, (answer) => within(databaseWaitMsMax, "d1", answer));
  const events = await openEvents(db, env, settings);
  const tending = await listTending(db, ledger, settings);
  const { loginMasters, reseal } = await openLoginMasters(db, settings);
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
      prices: openPrices((nowMs) => readPrices(env.DB, nowMs, databaseWaitMsMax)),
      noteDenial: events.noteDenial,
      origin,
      tickets,
      holdGraceMs: settings.HOLD_GRACE_MS,
    },
    control: {
      db,
      ...openSignIn(db, settings, events.control.webhooks),
      loginMasters,
      publicUrl: settings.PUBLIC_URL ?? null,
      keyring,
      bootstrapToken: settings.BOOTSTRAP_TOKEN ?? null,
      ipHeader: settings.CLIENT_IP_HEADER ?? null,
      publisher: ledger,
      retention: retention && openRetentionSwitch(retention),
      mover: settings.LEDGER.kind === "durable-object" ? openLedgerMover(env.LEDGERS) : null,
      models: settings.MODELS,
      fleet,
      ...events.control,
      currency: settings.CURRENCY,
    },
    chores: () =>
      runAll([chores, ...tending, reseal, openArchiver(env, settings), openSweeper(retention), ...events.tending]),
  };
}

function leaseFrom(straight: Ledger, leaseMs: number): Ledger {
  return leasingLedger(straight, {
    leaseMs,
    now: readClock,
    random: generateRandomBytes,
    later: runAfterAnswer,
    wait: (ms) => new Promise((done) => void setTimeout(done, ms)),
  });
}

function openSweeper(retention: RetentionTerms | null): () => Promise<unknown> {
  return async () => retention && tendStorage(retention);
}

/** What is done each minute about what people left behind: changes to publish, heads to sign, sessions that ended. */
async function listTending(db: Database, ledger: Ledger, { AUDIT_KEY }: Settings): Promise<(() => Promise<unknown>)[]> {
  const signer = AUDIT_KEY ? await openHeadSigner(AUDIT_KEY) : null;
  return [
    () => publishLeft(db, ledger),
    async () => signer && signHeads(db, signer, readClock()),
    () => deleteEnded(db, readClock()),
  ];
}

/** Signs heads with an Ed25519 key. */
async function openHeadSigner(jwk: JsonWebKey & { kid: string }): Promise<HeadSigner> {
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "Ed25519" }, false, ["sign"]);
  return {
    kid: jwk.kid,
    async sign(text) {
      const bytes = await crypto.subtle.sign({ name: "Ed25519" }, key, new TextEncoder().encode(text));
      return base64url.encode(new Uint8Array(bytes));
    },
  };
}

/** Runs each, also where one before it has failed; the platform's log still says that the chores failed. */
async function runAll(chores: (() => Promise<unknown>)[]): Promise<void> {
  const ends = await Promise.allSettled(chores.map((chore) => chore()));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
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
