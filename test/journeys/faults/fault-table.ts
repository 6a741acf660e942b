import type { Ledger } from "#edge/ledger/port.ts";
import type { Env } from "#edge/env.ts";
import type { RefusalCode } from "#edge/errors.ts";
import type { Ports } from "#edge/ports.ts";
import type { Fleet } from "#edge/fleet/port.ts";

/**
 * Promise F1, as data: what happens when something that the road stands on fails. One row a dependency, one cell a
 * fault; `faults-*.test.ts` run every cell over real HTTP. A missing cell does not compile, a dependency that has no
 * row neither.
 *
 * | fault | at a binding (object, D1) | at a hop over HTTP |
 * |---|---|---|
 * | timeout | the work is done, and no answer ever comes | delivered, then silence from the row's place on |
 * | error | nothing is done, and it throws | the connection is reset at that place |
 * | slow | late, and right | late, and right |
 * | garbage | a page of HTML | no HTTP, or a page of HTML |
 * | shape | an answer of the kind, without what it needs | HTTP, and JSON that nobody asked for |
 *
 * Each as bad as can be: an answer is nonsense although a hold was made, or because no bill was taken.
 */
export type Fault = "timeout" | "error" | "slow" | "garbage" | "shape";
export const allFaults = ["timeout", "error", "slow", "garbage", "shape"] as const satisfies readonly Fault[];

/**
 * What the asker is told: `ok`, the code of a refusal, or the code of the error event that ends a stream which had
 * begun with 200.
 */
export type Told = "ok" | RefusalCode | `event:${RefusalCode}`;

/**
 * What stands on the bill in the end. `all`: the whole call, once. `made`: no less than the caller saw, no more than
 * the engine put on the wire. `prompt`: no token of the answer. `made or nothing`: an agent's last word and the edge's
 * giving back are under way at once, and the first to arrive counts.
 */
export type Billed = "all" | "made" | "prompt" | "nothing" | "made or nothing";

export interface Cell {
  told: Told;
  billed: Billed;
  /** When only one of two nodes is at fault. */
  elsewhere?: Told;
}
/** Why a cell cannot occur. */
export interface Never {
  never: string;
}
export type Row = Record<Fault, Cell | Never>;

const served: Cell = { told: "ok", billed: "all" };
const done: Cell = { told: "ok", billed: "nothing" };
const unavailable: Cell = { told: "quota_unavailable", billed: "nothing" };
const storeUnavailable: Cell = { told: "store_unavailable", billed: "nothing" };
const internal: Cell = { told: "internal", billed: "nothing" };
const never = (never: string): Never => ({ never });

const isHeld = { timeout: unavailable, error: unavailable, slow: served, garbage: unavailable, shape: unavailable };
const isAsked = { ...isHeld, slow: done };
const isStored = { timeout: storeUnavailable, error: storeUnavailable, slow: done, garbage: internal, shape: internal };
/** A caller never waits for their bill: it comes late, once. */
const isBilledLate = { timeout: served, error: served, slow: served, garbage: served, shape: served };
/** Neither may what a failing call had held stay held. */
const isGivenBack = (cell: Cell) => ({ timeout: cell, error: cell, slow: cell, garbage: cell, shape: cell });
const noNode: Cell = { told: "bad_gateway", billed: "nothing" };

const silence = never(
  "to a Worker and to Node a connection that does not open is silence before the headers: see the row of the headers",
);
const noShape = never("a connection has no shape");
const ourAgent = never(
  "what comes as HTTP from behind the tunnel is what our agent wrote: JSON.stringify, or events it has " +
    "parsed itself; the edge pipes it unread",
);

export const table = {
  // The org's ledger, as a Durable Object. A call; `GET /v1/models`; a call and its bill; a call that every node
  // refuses; control: set, and show, an org's limits.
  "ledger.admit": isHeld,
  "ledger.introspect": isAsked,
  "ledger.settle": isBilledLate,
  "ledger.release": isGivenBack(noNode),
  // What a ledger says to a record is not read: it throws or it has taken it. A refused change is in D1 and not in
  // force; repeating it heals.
  "ledger.publish": { timeout: unavailable, error: unavailable, slow: done, garbage: done, shape: done },
  "ledger.inspect": isAsked,

  // The same in Redis, over REST: 250 ms, then it counts as out of reach.
  "redis.admit": isHeld,
  "redis.introspect": isAsked,
  "redis.settle": isBilledLate,
  "redis.release": isGivenBack(noNode),
  "redis.publish": isAsked,
  "redis.inspect": isAsked,
  "redis.outbox": isBilledLate,

  // D1: who asks; what is asked for; a change (which may have been written: repeating it heals); the bill. Rows that
  // cannot be read are ours to look into.
  "d1.key": { ...isStored, garbage: storeUnavailable, shape: storeUnavailable },
  "d1.read": isStored,
  "d1.write": isStored,
  "d1.usage": isBilledLate,

  // The fleet object. Calls go by what they learn themselves; an agent whose heartbeat was not heard sends the next.
  "fleet.heard": isBilledLate,
  "fleet.report": { timeout: storeUnavailable, error: storeUnavailable, slow: done, garbage: done, shape: done },

  // A node, as the edge finds it.
  "node.connect": {
    timeout: silence,
    error: { told: "no_healthy_backends", billed: "nothing", elsewhere: "ok" },
    slow: served,
    garbage: { told: "no_healthy_backends", billed: "nothing", elsewhere: "ok" },
    shape: noShape,
  },
  "node.headers.whole": {
    timeout: { told: "gateway_timeout", billed: "all" },
    error: { told: "no_healthy_backends", billed: "made or nothing", elsewhere: "ok" },
    slow: served,
    garbage: { told: "no_healthy_backends", billed: "made or nothing", elsewhere: "ok" },
    shape: { told: "bad_gateway", billed: "made or nothing", elsewhere: "ok" },
  },
  "node.headers.stream": {
    timeout: { told: "event:gateway_timeout", billed: "all" },
    error: { told: "no_healthy_backends", billed: "made or nothing", elsewhere: "ok" },
    slow: served,
    garbage: { told: "no_healthy_backends", billed: "made or nothing", elsewhere: "ok" },
    shape: { told: "bad_gateway", billed: "made or nothing", elsewhere: "ok" },
  },
  "node.refusal": isGivenBack({ ...noNode, elsewhere: "ok" }),
  "node.body": {
    timeout: { told: "gateway_timeout", billed: "all" },
    error: { told: "bad_gateway", billed: "all" },
    slow: served,
    garbage: ourAgent,
    shape: ourAgent,
  },
  "node.stream": {
    timeout: { told: "event:gateway_timeout", billed: "made" },
    error: { told: "event:stream_broken", billed: "made" },
    slow: served,
    garbage: ourAgent,
    shape: ourAgent,
  },
  // Asked only when the exact length of a prompt decides: without it the safe bound does.
  "node.tokenize": {
    timeout: { told: "insufficient_quota", billed: "nothing" },
    error: { told: "insufficient_quota", billed: "nothing" },
    slow: served,
    garbage: { told: "insufficient_quota", billed: "nothing" },
    shape: { told: "insufficient_quota", billed: "nothing" },
  },

  // An engine, as its agent finds it.
  "engine.connect": {
    timeout: silence,
    error: { ...noNode, elsewhere: "ok" },
    slow: served,
    garbage: { ...noNode, elsewhere: "ok" },
    shape: noShape,
  },
  "engine.headers.whole": {
    timeout: { told: "gateway_timeout", billed: "prompt" },
    error: { ...noNode, elsewhere: "ok" },
    slow: served,
    garbage: { ...noNode, elsewhere: "ok" },
    shape: { ...noNode, elsewhere: "ok" },
  },
  "engine.headers.stream": {
    timeout: { told: "event:gateway_timeout", billed: "nothing", elsewhere: "ok" },
    error: { ...noNode, elsewhere: "ok" },
    slow: served,
    garbage: { ...noNode, elsewhere: "ok" },
    shape: { told: "event:stream_broken", billed: "prompt" },
  },
  "engine.body": {
    timeout: { told: "gateway_timeout", billed: "prompt" },
    error: { ...noNode, elsewhere: "ok" },
    slow: served,
    garbage: { ...noNode, elsewhere: "ok" },
    shape: { ...noNode, elsewhere: "ok" },
  },
  "engine.whole": {
    timeout: { told: "gateway_timeout", billed: "made" },
    error: { told: "bad_gateway", billed: "made", elsewhere: "ok" },
    slow: served,
    garbage: { told: "bad_gateway", billed: "made", elsewhere: "ok" },
    shape: { told: "bad_gateway", billed: "made", elsewhere: "ok" },
  },
  "engine.stream": {
    timeout: { told: "event:stream_broken", billed: "made" },
    error: { told: "event:stream_broken", billed: "made" },
    slow: served,
    garbage: { told: "event:stream_broken", billed: "made" },
    shape: { told: "event:stream_broken", billed: "made" },
  },
  "engine.tokenize": {
    timeout: { told: "insufficient_quota", billed: "nothing" },
    error: { told: "insufficient_quota", billed: "nothing" },
    slow: served,
    garbage: { told: "insufficient_quota", billed: "nothing" },
    shape: { told: "insufficient_quota", billed: "nothing" },
  },

  // The edge, as an agent finds it, and the agent's disk.
  "intake.usage": isBilledLate,
  "intake.heartbeat": isBilledLate,
  // A hung disk stops the whole agent: what it had made and not told yet is the house's loss, and its hold ends by its
  // deadline.
  "disk.usage": { ...isBilledLate, timeout: { told: "event:gateway_timeout", billed: "nothing" } },
} satisfies Record<string, Row>;

export type Dependency = keyof typeof table;

/** What is done in each row, in a word; the page docs/failures.md is made of these and the table. */
export const rowWords: Record<Dependency, string> = {
  "ledger.admit": "a call is admitted (Durable Object)",
  "ledger.introspect": "models are listed for a key",
  "ledger.settle": "a call's bill is settled",
  "ledger.release": "a call that no node took gives back what it held",
  "ledger.publish": "control sets an org's limits",
  "ledger.inspect": "control shows an org's ledger",
  "redis.admit": "a call is admitted (Redis)",
  "redis.introspect": "models are listed for a key",
  "redis.settle": "a call's bill is settled",
  "redis.release": "a call that no node took gives back what it held",
  "redis.publish": "control sets an org's limits",
  "redis.inspect": "control shows an org's ledger",
  "redis.outbox": "the bill goes from Redis to D1",
  "d1.key": "control reads whose key it is",
  "d1.read": "control reads an org",
  "d1.write": "control writes an org",
  "d1.usage": "the bill goes from a Durable Object to D1",
  "fleet.heard": "the edge reads the nodes' heartbeats",
  "fleet.report": "the edge takes a heartbeat",
  "node.connect": "the edge connects to a node",
  "node.headers.whole": "… waits for the headers of a whole answer",
  "node.headers.stream": "… waits for the headers of a stream",
  "node.refusal": "… reads a node's error answer",
  "node.body": "… reads a whole answer",
  "node.stream": "… pipes a stream",
  "node.tokenize": "… asks for the exact length of a prompt that the safe bound would refuse",
  "engine.connect": "an agent connects to its engine",
  "engine.headers.whole": "… waits for the headers of a whole answer",
  "engine.headers.stream": "… waits for the headers of a stream",
  "engine.body": "… reads an answer that its engine can only give in one piece",
  "engine.whole": "… puts a whole answer together from the engine's stream",
  "engine.stream": "… passes a stream on",
  "engine.tokenize": "… asks for the exact length of a prompt",
  "intake.usage": "an agent sends the bill to the edge",
  "intake.heartbeat": "an agent sends its heartbeat",
  "disk.usage": "an agent writes its usage log",
};

/** Which rows stand for what a port does. Text: why it needs none. */
const behind =
  "behind a call that a lease covers: no caller waits for it, and when it fails the ledger is asked about the calls " +
  "after it, or gives back by itself (test/edge/adapters/leases)";
export const ledgerRows: Record<keyof Ledger, Dependency[] | string> = {
  admit: ["ledger.admit", "redis.admit"],
  cancelWait:
    "behind a caller who has left: when it fails their wait ends by itself, and a grant is given back " +
    "(test/edge/admission/index.test.ts)",
  introspect: ["ledger.introspect", "redis.introspect"],
  settle: ["ledger.settle", "redis.settle"],
  settleAll: ["ledger.settle", "redis.settle"],
  release: ["ledger.release", "redis.release"],
  publish: ["ledger.publish", "redis.publish"],
  lease: behind,
  closeLease: behind,
  inspect: ["ledger.inspect", "redis.inspect"],
};
const local = "computed in the isolate: nothing to wait for";
const shield =
  "a shield, not a quota: when it cannot be asked the isolate's own count decides " +
  "(test/journeys/limits/ip-limit.test.ts, docs/decisions/0007)";
const setting =
  "a setting: read once, and refused by name when it is missing or malformed (test/journeys/callers/door.test.ts)";
const stored =
  "only for calls that are stored or go on from what is: the answer comes and says `store: false`, or the call is " +
  "503 before anything is held (test/journeys/operators/stored-responses.test.ts)";
export const fleetRows: Record<keyof Fleet, Dependency[] | string> = {
  refresh: ["fleet.heard"],
  report: ["fleet.report", "intake.heartbeat"],
  view: local,
  begin: local,
  learn: local,
  end: local,
};
export const portRows: Record<keyof Ports, Dependency[] | string> = {
  ips: shield,
  classifier: local,
  boundFactors: local,
  prices: "read beside calls: the last that were read hold, or MODELS (test/edge/admission/prices.test.ts)",
  noteDenial:
    "behind the answer: a store that fails changes no refusal (test/edge/control/events/limit-reached.test.ts)",
  holdGraceMs: setting,
  keys: local,
  tickets: local,
  tokenKey: local,
  ipHeader: setting,
  models: local,
  currency: local,
  nodes: local,
  nodeKeys: local,
  ledger: Object.values(ledgerRows).flatMap((rows) => (typeof rows === "string" ? [] : rows)),
  storage: stored,
  fleet: Object.values(fleetRows).flatMap((rows) => (typeof rows === "string" ? [] : rows)),
  origin: [
    "node.connect",
    "node.headers.whole",
    "node.headers.stream",
    "node.refusal",
    "node.body",
    "node.stream",
    "node.tokenize",
  ],
};
const people = "of signing in alone: test/journeys/people says what happens without it";
export const bindingRows: Record<keyof Env, Dependency[] | string> = {
  DB: ["d1.key", "d1.read", "d1.write", "d1.usage", "redis.outbox"],
  LEDGERS: ["ledger.admit", "ledger.introspect", "ledger.settle", "ledger.release", "ledger.publish", "ledger.inspect"],
  FLEET: ["fleet.heard", "fleet.report"],
  UPSTASH_REDIS_REST_URL: [
    "redis.admit",
    "redis.introspect",
    "redis.settle",
    "redis.release",
    "redis.publish",
    "redis.inspect",
    "redis.outbox",
  ],
  UPSTASH_REDIS_REST_TOKEN: setting,
  LEDGER: setting,
  MODELS: setting,
  NODES: setting,
  TAG_KEYS: setting,
  PEPPERS: setting,
  NODE_MASTER_KEYS: setting,
  TOKEN_KEY: setting,
  TICKETS: setting,
  BOOTSTRAP_TOKEN: setting,
  IP_COUNTER: shield,
  REDIS_WAIT_MS: setting,
  HOLD_GRACE_MS: setting,
  IP_PER_SECOND: setting,
  IP_EXEMPT: setting,
  CLIENT_IP_HEADER: setting,
  CURRENCY: setting,
  STORE_KEYS: setting,
  AUDIT_KEY: setting,
  SESSION_KEYS: setting,
  OPERATORS_MFA: setting,
  PUBLIC_URL: setting,
  MAIL: setting,
  MAIL_FROM: setting,
  MAIL_URL: people,
  MAIL_TOKEN: setting,
  OIDC: people,
  SIGN_UP: setting,
  SIGN_UP_DOMAINS: setting,
  EMAIL: people,
  DNS_URL: "no call waits for it: webhooks are made and sent by it (test/edge/control/webhooks)",
  WEBHOOK_WAIT_MS: setting,
  WEBHOOK_WINDOW_MS: setting,
  WEBHOOKS_LOCAL: setting,
  LEAK_KEYS_URL: "no call waits for it: 503, and the report is repeated (test/edge/control/http/leaks.test.ts)",
  RESPONSES: stored,
  USAGE_DAYS: setting,
  ARCHIVE:
    "no call waits for it; a row stays in D1 until its copy was read back (test/edge/adapters/d1/archive.test.ts)",
};
/** What an agent stands on. */
export const agentRows = {
  engine: [
    "engine.connect",
    "engine.headers.whole",
    "engine.headers.stream",
    "engine.body",
    "engine.whole",
    "engine.stream",
    "engine.tokenize",
  ],
  edge: ["intake.usage", "intake.heartbeat"],
  disk: ["disk.usage"],
} satisfies Record<string, Dependency[]>;
