import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeyring, type Keyring } from "#edge/agreements/tokens/key-format.ts";
import { deriveNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { freePorts, startChild, type Child } from "#infra/local/child.ts";
import { hasRedisServer } from "#infra/local/redis/redis-server.ts";
import { makeSecrets, makeSecretVars, type Secrets } from "#infra/local/secrets.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { allowFiles, listPids, pin } from "./cpu.ts";
import type { Load, LoadFigures } from "./load/load.ts";
import { chooseEdgePorts, chooseSharedPorts, startWorkerd } from "./servers/workerd.ts";
import type { EdgePorts, ServedEdge, SharedPorts } from "./servers/workerd-config.ts";
import { BrokenError, makeRedisSide, openSide, sendMessage, type RedisSide, type Side } from "./side.ts";

/**
 * Everything that runs: on core 0 workerd with all edges and the bare pass-through; on core 1 load, origins, bridge and
 * Redis.
 */
export interface Stage extends Side {
  dir: string;
  secrets: Secrets;
  keyring: Keyring;
  ports: EdgePorts & SharedPorts & { origin: number };
  /** The same edge with leases off: each call asks its ledger. */
  straight: Side;
  /** The same edge, `ledgerDistanceMs` away from its ledgers. */
  far: Side;
  /** The edge's variables, for another process of it. */
  vars: Record<string, string>;
  workerdPid: number;
  inspectorPort: number | null;
  /** What workerd wrote to stderr, if anything. */
  failure(): string;
  isPinned: boolean;
  /** Runs a load; throws a BrokenError if any answer was not what it must be. */
  load(load: Load): Promise<LoadFigures>;
  /** Null where it was not requested, or there is no redis-server. */
  redis: RedisSide | null;
  close(): Promise<void>;
}

/** What a stage has beside the edge over its objects. */
export interface StageNeeds {
  withRedis: boolean;
  withInspector?: boolean;
}

const nodes = ["node_bench-shared", "node_bench-complex"] as const;
const here = new URL(".", import.meta.url).pathname;
/** A ledger that was called within ten seconds keeps three files open, so workerd may open many. */
const filesMax = 65_536;
/** How far `far` is from its ledgers, there and back: another continent. */
export const ledgerDistanceMs = 100;
const logLine = (line: string) => console.error(line);

/** Starts everything on free ports and in a temporary folder, which `close` removes. */
export async function openStage({ withRedis, withInspector = false }: StageNeeds): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), "penstock-bench-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const secrets = makeSecrets();
  const shared = await chooseSharedPorts();
  const [inspectorPort = null] = withInspector ? await freePorts(1) : [];
  const isRedisThere = withRedis && hasRedisServer();
  const [loader, redis] = await Promise.all([
    startChild("load", [join(here, "load/load.ts")], logLine),
    isRedisThere ? startChild("redis", [join(here, "servers/redis.ts"), dir], logLine) : null,
  ]);
  const start = (name: string, vars: Record<string, string>, kind: Partial<ServedEdge> = {}) =>
    startEdge({ dir, secrets, name, vars: { LEDGER: "durable-object", ...vars }, kind });
  const edges = {
    main: await start("edge", {}),
    straight: await start("straight-edge", { LEASE_MS: "0" }),
    far: await start("far-edge", { LEDGER_DISTANCE_MS: String(ledgerDistanceMs) }, { door: "far" }),
    redis: redis && (await start("redis-edge", { ...redisVars(redis), LEASE_MS: "0" }, { ledgersOf: "edge" })),
  };
  const started = [edges.main, edges.straight, edges.far, ...(edges.redis ? [edges.redis] : [])];
  const workerd = await startWorkerd({
    root,
    dir,
    shared,
    originUrl: `http://127.0.0.1:${readPort(edges.main.origin)}`,
    inspectorPort,
    edges: started.map(({ service }) => service),
  });
  const keyring = await openKeyring({ tagKeys: secrets.tagKeys, peppers: secrets.peppers });
  const children = [loader, redis, ...started.map(({ origin }) => origin)].filter((child) => child !== null);
  const atLoad = [process.pid, ...children.flatMap(({ pid }) => listPids(pid))];
  const isPinned = [pin(workerd.pid, 0), ...atLoad.map((pid) => pin(pid, 1))].every(Boolean);
  const common = { keyring, filesMax: allowFiles(workerd.pid, filesMax), failure: () => workerd.failure() };
  const open = ({ service, origin }: StartedEdge) =>
    openSide({ ...common, ports: { ...service.ports, origin: readPort(origin) }, origin });
  const main = open(edges.main);
  const straight = open(edges.straight);
  const far = open(edges.far);
  const overRedis = edges.redis && open(edges.redis);
  return {
    ...main,
    dir,
    secrets,
    keyring,
    ports: { ...main.ports, ...shared },
    straight,
    far,
    vars: edges.main.service.vars,
    workerdPid: workerd.pid,
    inspectorPort,
    failure: common.failure,
    isPinned,
    redis: redis && overRedis && makeRedisSide(overRedis, redis),
    load: (load) => runLoad(loader, load, common.failure),
    async close() {
      for (const side of [main, straight, far, overRedis]) side?.close();
      await Promise.all([workerd, ...children].map((running) => running.stop()));
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function runLoad(loader: Child, load: Load, failure: () => string): Promise<LoadFigures> {
  const report = await sendMessage<LoadFigures>(loader, { load });
  if (report.wrong === 0) return report;
  const why = failure();
  throw new BrokenError(
    `${report.wrong} of ${report.calls} answers were wrong; the first: ` +
      `${report.firstWrong}${why && `\nworkerd said: ${why}`}`,
  );
}

/** An edge that is to be served, and the origin of its own that answers its calls and settles them with it. */
interface StartedEdge {
  service: ServedEdge;
  origin: Child;
}

async function startEdge(plan: {
  dir: string;
  secrets: Secrets;
  name: string;
  vars: Record<string, string>;
  kind: Partial<ServedEdge>;
}): Promise<StartedEdge> {
  const { dir, secrets, name, vars, kind } = plan;
  const ports = await chooseEdgePorts();
  const origin = await startOrigin(dir, secrets, ports.edge);
  const all = { ...vars, ...edgeVars(secrets, readPort(origin)) };
  return { service: { name, ports, vars: all, door: null, ledgersOf: null, ...kind }, origin };
}

/** The variables that give an edge its Redis. */
function redisVars(redis: Child): Record<string, string> {
  return {
    LEDGER: "upstash",
    UPSTASH_REDIS_REST_URL: String(redis.ready["url"]),
    UPSTASH_REDIS_REST_TOKEN: String(redis.ready["token"]),
  };
}

/** Starts the origin of one edge: it settles with that edge what it answers. */
function startOrigin(dir: string, secrets: Secrets, edgePort: number): Promise<Child> {
  const file = join(dir, `origin-${edgePort}.json`);
  const [node] = nodes;
  const config = { node, keys: deriveNodeKeys(secrets.nodeMasterKeys, node), edgePort };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return startChild("origin", [join(here, "servers/origin.ts"), file], logLine);
}

function readPort(origin: Child): number {
  return Number(origin.ready["port"]);
}

/** An edge's variables as a deployment has them, all but its store's; both its nodes are its origin. */
function edgeVars(secrets: Secrets, originPort: number): Record<string, string> {
  const records = nodes.map((id, index) => ({
    id,
    url: `http://127.0.0.1:${originPort}`,
    tier: index === 0 ? "shared" : "complex",
    models: defaultModels.map((model) => model.id),
  }));
  // There is no bucket here, and so nothing is stored.
  const { STORE_KEYS: _, ...vars } = makeSecretVars(secrets);
  return { MODELS: JSON.stringify(defaultModels), NODES: JSON.stringify(records), ...vars };
}

/** The folder of one row's own files. */
export function makeFolder(stage: Stage, name: string): string {
  const folder = join(stage.dir, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
