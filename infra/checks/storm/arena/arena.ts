import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Health } from "#edge/routing/index.ts";
import { startChild } from "#infra/local/child.ts";
import type { RunningEdge } from "#infra/local/edge/edge.ts";
import { startSecondEdge } from "#infra/local/edge/second-edge.ts";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { startRedisServer, type RedisServer } from "#infra/local/redis/redis-server.ts";
import { defaultModels, root, startStack, type EngineSpec, type Stack } from "#infra/local/stack.ts";
import { Control } from "./control.ts";
import { startEngine, type StormEngine } from "./engine.ts";
import type { Store } from "../plan/plan.ts";

/**
 * Everything a storm rages over: two edges that keep one set of limits, two nodes, each behind a network that can be
 * cut. Serves many seeds, one at a time.
 */
export interface Arena {
  store: Store;
  edges: [RunningEdge, RunningEdge];
  stack: Stack;
  engines: StormEngine[];
  /** From the edges to each node, and from each node to the edge. */
  toNode: FaultProxy[];
  toEdge: FaultProxy[];
  /** From each edge to Redis; none with Durable Objects. */
  toRedis: FaultProxy[];
  redis: RedisServer | null;
  adminKey: string;
  /** The latest lines of output of any process. */
  logs: string[];
  close(): Promise<void>;
}

const entry = "infra/checks/storm/worker/entry.ts";
const logLinesMax = 2_000;
/** In production a minute. */
const cronMs = 2_000;
/**
 * Plenty of room, so that what is refused is refused by the limits. A step is slow enough for hundreds of streams on
 * two cores.
 */
const engineArgs = [
  "--max-num-seqs",
  "512",
  "--max-num-queued-reqs",
  "none",
  "--blocks",
  "200000",
  "--step-ms",
  "5",
  "--prefill-ms-per-token",
  "0",
  "--kv-ms-per-token",
  "0",
];
const agentLimits = {
  heartbeatMs: 500,
  pollMs: 300,
  inflightMax: 8_000,
  sequencesMax: 8_000,
  kvPromiseMax: 100,
};

/** Starts it all; closing leaves nothing behind. */
export async function openArena(store: Store, redisWaitMs: number, isVerbose = false): Promise<Arena> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-storm-"));
  // Also when something fails on the way up.
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const logs: string[] = [];
  const log = (source: string, line: string) => {
    if (isVerbose) process.stderr.write(`${source.padEnd(14)} ${line}\n`);
    logs.push(`${source} ${line}`);
    if (logs.length > logLinesMax) logs.splice(0, logLinesMax / 2);
  };
  const engines = await Promise.all(
    [0, 1].map((index) => startEngine(index, engineArgs, (line) => log(`engine-${index + 1}`, line))),
  );
  const redis = store === "upstash" ? await openRedis(join(stateDir, "redis"), redisWaitMs, log) : null;
  const toNode: FaultProxy[] = [];
  const toEdge: FaultProxy[] = [];
  const stack = await startStack({
    port: 0,
    stateDir,
    registry: join(stateDir, "registry"),
    entry,
    vars: redis?.vars[0] ?? {},
    agentLimits,
    engines: engines.map(makeEngineSpec),
    via: async (url) => addProxy(toNode, await openFaultProxy(url)),
    viaEdge: async (url) => addProxy(toEdge, await openFaultProxy(url)),
    log,
  });
  const second = await startSecondEdge({
    root,
    stateDir,
    registry: join(stateDir, "registry"),
    entry,
    vars: { ...stack.vars, ...redis?.vars[1] },
    log: (line) => log("edge-2", line),
  });
  const adminKey = await new Control(stack.edge.url, stack.secrets.bootstrapToken).bootstrap();
  const edges: Arena["edges"] = [stack.edge, second];
  const cron = redis && startCron(stack.edge.url);
  const close = async () => {
    if (cron) clearInterval(cron);
    await Promise.all([stack.close(), second.close()]);
    await Promise.all([...engines, ...toNode, ...toEdge, ...(redis?.proxies ?? [])].map((part) => part.close()));
    await redis?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
  return {
    store,
    edges,
    stack,
    engines,
    toNode,
    toEdge,
    toRedis: redis?.proxies ?? [],
    redis: redis?.server ?? null,
    adminKey,
    logs,
    close,
  };
}

type Log = (source: string, line: string) => void;

const makeEngineSpec = ({ url }: StormEngine): EngineSpec => ({
  kind: "simulator",
  url,
  models: Object.fromEntries(defaultModels.map(({ id }) => [id, id])),
});

function startCron(edgeUrl: string): NodeJS.Timeout {
  const call = () => fetch(`${edgeUrl}/storm/cron`, { signal: AbortSignal.timeout(cronMs) }).catch(() => undefined);
  return setInterval(() => void call(), cronMs);
}

/** Waits until both edges serve every model; throws when they do not. */
export async function waitUntilWhole(arena: Arena, msMax = 40_000): Promise<void> {
  const isHealthy = async ({ url }: RunningEdge) => {
    const health = await fetch(`${url}/health`).then(
      async (answer) => Health.safeParse(await answer.json()),
      () => null,
    );
    if (health?.data?.status !== "healthy") return false;
    const ready = Object.values(health.data.backends).reduce((sum, nodes) => sum + nodes, 0);
    return ready === arena.stack.nodes.length * defaultModels.length;
  };
  for (const endMs = Date.now() + msMax; Date.now() < endMs; await sleep(100)) {
    const whole = await Promise.all(arena.edges.map(isHealthy));
    if (whole.every(Boolean)) return;
  }
  throw new Error(
    `the stack is not whole again after ${msMax} ms; its last lines:\n${arena.logs.slice(-20).join("\n")}`,
  );
}

function addProxy(list: FaultProxy[], proxy: FaultProxy): string {
  list.push(proxy);
  return proxy.url;
}

/**
 * Each edge has a way of its own to it. With `appendfsync always`: only then is what was acknowledged still there after
 * kill -9 (docs/decisions/0006).
 */
async function openRedis(dir: string, waitMs: number, log: Log) {
  const server = await startRedisServer({ dir, fsync: "always" });
  const bridge = await startChild(
    "bridge",
    [join(root, "infra/checks/storm/arena/bridge.ts"), "--redis", String(server.port)],
    (line) => log("bridge", line),
  );
  const proxies = await Promise.all([0, 1].map(() => openFaultProxy(String(bridge.ready["url"]))));
  const vars = proxies.map(({ url }) => ({
    LEDGER: "upstash",
    REDIS_WAIT_MS: String(waitMs),
    UPSTASH_REDIS_REST_URL: url,
    UPSTASH_REDIS_REST_TOKEN: String(bridge.ready["token"]),
  }));
  const stop = async () => {
    await bridge.stop();
    await server.stop();
  };
  return { server, proxies, vars, stop };
}
