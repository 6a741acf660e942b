import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openKeyring, type Keyring } from "#edge/agreements/tokens/key-format.ts";
import { startChild, type Child } from "#infra/local/child.ts";
import { hasRedisServer } from "#infra/local/redis/redis-server.ts";
import { makeSecrets, makeSecretVars, type Secrets } from "#infra/local/secrets.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { makeCaller, type Caller } from "./load/callers.ts";
import { callOnce, Connection } from "./load/connection.ts";
import { allowFiles, listPids, pin } from "./cpu.ts";
import type { ProbeResponses, ProbeRequests } from "./probe-api.ts";
import type { Load, LoadFigures } from "./load/load.ts";
import type { SettledCounts } from "./load/settle.ts";
import { choosePorts, chooseRedisPorts, startWorkerd, type EdgePorts } from "./servers/workerd.ts";
import { writePost } from "./load/http-messages.ts";

/**
 * A wrong answer, a lost hold, a count that is off: the bench is worth nothing until this is mended, so it exits with
 * 1.
 */
export class BrokenError extends Error {}

/** What the origin of the bench has seen. */
export interface OriginState {
  whole: number;
  streams: number;
  running: number;
  settling: SettledCounts;
}

/** An edge over one store of limits, with the origin that answers its calls and settles them, and its probe. */
export interface Side {
  ports: { edge: number; origin: number; probe: number };
  /** Makes orgs and brings them into force. */
  publish(count: number): Promise<Caller[]>;
  probe<Path extends keyof ProbeRequests>(path: Path, request: ProbeRequests[Path]): Promise<ProbeResponses[Path]>;
  origin(): Promise<OriginState>;
  /** Resolves when no call runs and every hold is settled. */
  quiet(): Promise<void>;
}

/** The edge over Redis: the same code in the same process, but for its store. */
export interface RedisSide extends Side {
  /** The process of bridge and Redis. */
  pid: number;
  /** HTTP requests that the bridge has been sent so far, by what they were for. */
  seen(): Promise<Record<string, number>>;
  /** When Redis forces what it writes to disk. */
  sync(when: "always" | "everysec"): Promise<void>;
}

/**
 * Everything that runs: workerd with both edges and the bare pass-through on core 0; load, origins, bridge and Redis on
 * core 1.
 */
export interface Stage extends Side {
  dir: string;
  secrets: Secrets;
  keyring: Keyring;
  ports: EdgePorts & { origin: number };
  workerdPid: number;
  isPinned: boolean;
  /** Runs a load; throws a BrokenError if any answer was not what it must be. */
  load(load: Load): Promise<LoadFigures>;
  /** Null where it was not asked for, or there is no redis-server. */
  redis: RedisSide | null;
  close(): Promise<void>;
}

const nodes = ["node_bench-shared", "node_bench-complex"] as const;
const here = new URL(".", import.meta.url).pathname;
const publishedAtOnce = 250;
const repeatable: ReadonlySet<string> = new Set<keyof ProbeRequests>(["/publish", "/inspect"]);
/**
 * A ledger that was called within ten seconds keeps three files open: after so many, those are waited for, since not
 * every machine allows more than 20,000.
 */
const filesMax = 65_536;
const ledgersAtOnce = 4_000;
const letGoMs = 12_000;

/** Sets the stage on free ports and a temporary folder, which `close` takes away. */
export async function openStage({ withRedis }: { withRedis: boolean }): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), "penstock-bench-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const secrets = makeSecrets([...nodes]);
  const edgePorts = await choosePorts();
  const redisPorts = await chooseRedisPorts(edgePorts);
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

/** The variables that tell an edge its Redis. */
function redisVars(redis: Child | null): Record<string, string> {
  return {
    LEDGER: "upstash",
    UPSTASH_REDIS_REST_URL: String(redis?.ready["url"]),
    UPSTASH_REDIS_REST_TOKEN: String(redis?.ready["token"]),
  };
}

function makeRedisSide(side: Side, redis: Child): RedisSide {
  return {
    ...side,
    pid: redis.pid,
    seen: () => sendMessage<Record<string, number>>(redis, {}),
    sync: async (when) => void (await sendMessage(redis, { sync: when })),
  };
}

/** The origin of one edge: it settles with that edge what it answers. */
function startOrigin(dir: string, secrets: Secrets, edgePort: number): Promise<Child> {
  const file = join(dir, `origin-${edgePort}.json`);
  writeFileSync(file, JSON.stringify({ node: nodes[0], key: secrets.nodeKeys[nodes[0]], edgePort }), { mode: 0o600 });
  return startChild("origin", [join(here, "servers/origin.ts"), file], (line) => console.error(line));
}

function readPort(origin: Child): number {
  return Number(origin.ready["port"]);
}

interface SideParts {
  ports: Side["ports"];
  origin: Child;
  keyring: Keyring;
  failure(): string;
}

function openSide({ ports, origin, keyring, failure }: SideParts): Side & { close(): void } {
  const probeConnection = new Connection(ports.probe);
  const side: Side = {
    ports,
    async publish(count) {
      const callers: Caller[] = [];
      while (callers.length < count) {
        const more = await Promise.all(
          Array.from({ length: Math.min(publishedAtOnce, count - callers.length) }, () => makeCaller(keyring)),
        );
        await side.probe("/publish", { records: more.map(({ records }) => records[0]) });
        await side.probe("/publish", { records: more.map(({ records }) => records[1]) });
        callers.push(...more);
        await waitForClosedLedgers(callers.length);
      }
      return callers;
    },
    async probe(path, request) {
      const send = () => callOnce(probeConnection, writePost(path, "bench", JSON.stringify(request)));
      let { status, body } = await send();
      // A machine that is busy with something else may keep Redis from answering in time: what may be asked twice is.
      for (
        let tries = 0;
        status !== 200 && body.includes("no answer within") && repeatable.has(path) && tries < 5;
        tries++
      )
        ({ status, body } = await send());
      if (status !== 200)
        throw new BrokenError(`the probe answered ${status} to ${path}: ${body}\nworkerd said: ${failure()}`);
      return JSON.parse(body);
    },
    origin: () => sendMessage<OriginState>(origin, {}),
    async quiet() {
      const untilMs = performance.now() + 10_000;
      for (let state = await side.origin(); state.running > 0 || state.settling.open > 0; state = await side.origin()) {
        if (performance.now() > untilMs) throw new BrokenError(`holds are not settled: ${JSON.stringify(state)}`);
        await sleep(10);
      }
    },
  };
  return { ...side, close: () => probeConnection.close() };
}

/**
 * After calls of these orgs have ended: each of their holds is settled once, none is open, and what the origin sent is
 * what the ledgers booked.
 */
export async function checkSettled(side: Side, callers: Caller[], calls: number): Promise<void> {
  await side.quiet();
  const { settling } = await side.origin();
  const settled = settling.results["settled"] ?? 0;
  if (settled !== settling.queued)
    throw new BrokenError(`of ${settling.queued} records ${settled} settled: ${JSON.stringify(settling)}`);
  let openHolds = 0;
  let settledCalls = 0;
  for (let from = 0; from < callers.length; from += publishedAtOnce) {
    const some = await side.probe("/inspect", {
      orgs: callers.slice(from, from + publishedAtOnce).map(({ org }) => org),
    });
    openHolds += some.openHolds;
    settledCalls += some.settledCalls;
    await waitForClosedLedgers(from + publishedAtOnce);
  }
  if (openHolds !== 0 || settledCalls !== calls)
    throw new BrokenError(`${calls} calls, but the ledgers have ${settledCalls} settled and ${openHolds} open`);
}

async function waitForClosedLedgers(ledgers: number): Promise<void> {
  if (ledgers % ledgersAtOnce === 0) await sleep(letGoMs);
}

/** An edge's variables as a deployment has them, all but its store's; both its nodes are its origin. */
function edgeVars(secrets: Secrets, originPort: number): Record<string, string> {
  const records = nodes.map((id, index) => ({
    id,
    url: `http://127.0.0.1:${originPort}`,
    tier: index === 0 ? "shared" : "complex",
    models: defaultModels.map((model) => model.id),
    publicKey: secrets.nodeKeys[id]?.x,
  }));
  return { MODELS: JSON.stringify(defaultModels), NODES: JSON.stringify(records), ...makeSecretVars(secrets) };
}

let lastId = 0;

/** One question to a child over IPC, and its answer; rejects when the child goes first. */
function sendMessage<T>(child: Child, message: object): Promise<T> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error(`${child.name} is gone`));
    const onMessage = (message: { id: number; answer: T }) => {
      if (message.id !== id) return;
      child.process.off("message", onMessage).off("exit", gone);
      resolve(message.answer);
    };
    child.process.on("message", onMessage).once("exit", gone);
    child.process.send({ id, ...message });
  });
}

/** The folder of one row's own files. */
export function makeFolder(stage: Stage, name: string): string {
  const folder = join(stage.dir, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
