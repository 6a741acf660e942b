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
import { choosePorts, chooseRedisPorts, startWorkerd, type EdgePorts } from "./servers/workerd.ts";
import { BrokenError, makeRedisSide, openSide, sendMessage, type RedisSide, type Side } from "./side.ts";

/**
 * Everything that runs: on core 0 workerd with both edges and the bare pass-through; on core 1 load, origins, bridge
 * and Redis.
 */
export interface Stage extends Side {
  dir: string;
  secrets: Secrets;
  keyring: Keyring;
  ports: EdgePorts & { origin: number };
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

/** Starts everything on free ports and in a temporary folder, which `close` removes. */
export async function openStage({ withRedis, withInspector = false }: StageNeeds): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), "penstock-bench-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const secrets = makeSecrets();
  const edgePorts = await choosePorts();
  const redisPorts = await chooseRedisPorts(edgePorts);
  const [inspectorPort = null] = withInspector ? await freePorts(1) : [];
  const log = (line: string) => console.error(line);
  const isRedisThere = withRedis && hasRedisServer();
  const [loader, origin, redisOrigin, redis] = await Promise.all([
    startChild("load", [join(here, "load/load.ts")], log),
    startOrigin(dir, secrets, edgePorts.edge),
    isRedisThere ? startOrigin(dir, secrets, redisPorts.edge) : null,
    isRedisThere ? startChild("redis", [join(here, "servers/redis.ts"), dir], log) : null,
  ]);
  const ports = { ...edgePorts, origin: readPort(origin) };
  const workerd = await startWorkerd({
    root,
    dir,
    ports,
    originUrl: `http://127.0.0.1:${ports.origin}`,
    inspectorPort,
    vars: { LEDGER: "durable-object", ...edgeVars(secrets, ports.origin) },
    redis: redisOrigin && {
      ports: redisPorts,
      vars: { ...redisVars(redis), ...edgeVars(secrets, readPort(redisOrigin)) },
    },
  });
  const keyring = await openKeyring({ tagKeys: secrets.tagKeys, peppers: secrets.peppers });
  allowFiles(workerd.pid, filesMax);
  const atLoad = [loader, origin, redisOrigin, redis].flatMap((child) => (child ? listPids(child.pid) : []));
  const isPinned = [pin(workerd.pid, 0), ...[...atLoad, process.pid].map((pid) => pin(pid, 1))].every(Boolean);
  const common = { keyring, failure: () => workerd.failure() };
  const objects = openSide({ ...common, ports, origin });
  const redisSide =
    redis &&
    redisOrigin &&
    openSide({ ...common, ports: { ...redisPorts, origin: readPort(redisOrigin) }, origin: redisOrigin });
  return {
    ...objects,
    dir,
    secrets,
    keyring,
    ports,
    workerdPid: workerd.pid,
    inspectorPort,
    failure: common.failure,
    isPinned,
    redis: redis && redisSide && makeRedisSide(redisSide, redis),
    async load(load) {
      const report = await sendMessage<LoadFigures>(loader, { load });
      if (report.wrong > 0) {
        const why = workerd.failure();
        throw new BrokenError(
          `${report.wrong} of ${report.calls} answers were wrong; the first: ` +
            `${report.firstWrong}${why && `\nworkerd said: ${why}`}`,
        );
      }
      return report;
    },
    async close() {
      objects.close();
      redisSide?.close();
      await Promise.all([workerd, origin, loader, redisOrigin, redis].map((running) => running?.stop()));
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The variables that give an edge its Redis. */
function redisVars(redis: Child | null): Record<string, string> {
  return {
    LEDGER: "upstash",
    UPSTASH_REDIS_REST_URL: String(redis?.ready["url"]),
    UPSTASH_REDIS_REST_TOKEN: String(redis?.ready["token"]),
  };
}

/** Starts the origin of one edge: it settles with that edge what it answers. */
function startOrigin(dir: string, secrets: Secrets, edgePort: number): Promise<Child> {
  const file = join(dir, `origin-${edgePort}.json`);
  const [node] = nodes;
  const config = { node, keys: deriveNodeKeys(secrets.nodeMasterKeys, node), edgePort };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return startChild("origin", [join(here, "servers/origin.ts"), file], (line) => console.error(line));
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
  return { MODELS: JSON.stringify(defaultModels), NODES: JSON.stringify(records), ...makeSecretVars(secrets) };
}

/** The folder of one row's own files. */
export function makeFolder(stage: Stage, name: string): string {
  const folder = join(stage.dir, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
