import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleWorker } from "#infra/local/edge/bundle.ts";
import { freePorts } from "#infra/local/child.ts";

/**
 * Sockets of the one process: the edge, the edge with counting bindings, the bench's probe, the bare pass-through, and
 * the least that an edge must do.
 */
export interface EdgePorts {
  edge: number;
  counted: number;
  probe: number;
  bare: number;
  least: number;
}

/** The edge once more, over Redis: its sockets and its variables. */
export interface RedisEdge {
  ports: { edge: number; probe: number };
  vars: Record<string, string>;
}

/** A running workerd. `failure` is what it wrote to stderr, if anything. */
export interface Workerd {
  process: ChildProcess;
  pid: number;
  failure(): string;
  stop(): Promise<void>;
}

/** What workerd is started with. */
export interface WorkerdPlan {
  root: string;
  /** Where its config and the ledgers' files go. */
  dir: string;
  ports: EdgePorts;
  originUrl: string;
  /** The edge's variables. */
  vars: Record<string, string>;
  redis: RedisEdge | null;
  /** Where V8 may be asked about its heap; it costs speed, so only rows that look there have it. */
  inspectorPort: number | null;
}

/**
 * Free ports for `startWorkerd`, chosen before it starts, because the origin must know the edge's port and the edge the
 * origin's.
 */
export async function choosePorts(): Promise<EdgePorts> {
  const [edge = 0, counted = 0, probe = 0, bare = 0, least = 0] = await freePorts(5);
  return { edge, counted, probe, bare, least };
}

/** The same for the edge over Redis, without the ports that were chosen before. */
export async function chooseRedisPorts(chosen: EdgePorts): Promise<RedisEdge["ports"]> {
  const others = Object.values(chosen);
  const [edge = 0, probe = 0] = (await freePorts(others.length + 2)).filter((port) => !others.includes(port));
  return { edge, probe };
}

/**
 * Starts plain `workerd serve` on the edge as it stands in the source, with the compatibility settings of wrangler.toml
 * and ledgers on disk under `dir`; and on the same edge over Redis, if it is given one. Only D1 is stood in for
 * (worker/bill.ts). What the edge logs goes nowhere, as on a server whose log is read by someone else.
 */
export async function startWorkerd(plan: WorkerdPlan): Promise<Workerd> {
  const { root, dir, ports } = plan;
  const state = join(dir, "state");
  mkdirSync(state, { recursive: true });
  for (const name of ["entry", "bare", "least", "bill"])
    writeFileSync(join(dir, `${name}.js`), await bundleWorker(root, `infra/checks/bench/worker/${name}.ts`));
  writeFileSync(join(dir, "config.capnp"), writeConfig(plan, state));
  const binary: string = createRequire(import.meta.url)("workerd").default;
  const inspector = plan.inspectorPort === null ? [] : [`--inspector-addr=127.0.0.1:${plan.inspectorPort}`];
  const args = ["serve", ...inspector, join(dir, "config.capnp")];
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (quote: string) => (errors = (errors + quote).slice(-4_000)));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  process.once("exit", () => child.kill("SIGKILL"));
  for (let tries = 0; !(await isAnswering(ports.edge)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`workerd did not start: ${errors}`);
    await sleep(25);
  }
  const stop = async () => {
    child.kill("SIGKILL");
    await gone;
  };
  return { process: child, pid: child.pid ?? 0, failure: () => errors, stop };
}

async function isAnswering(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/livez`).then(
    (response) => response.ok,
    () => false,
  );
}

/** The worker must run under the date and flags of production. */
function readCompatibility(root: string): { date: string; flags: string[] } {
  const quote = readFileSync(join(root, "wrangler.toml"), "utf8");
  const date = /^compatibility_date = "(.*)"$/m.exec(quote)?.[1];
  const flags = /^compatibility_flags = (\[.*\])$/m.exec(quote)?.[1];
  if (!date) throw new Error("wrangler.toml names no compatibility_date");
  return { date, flags: JSON.parse(flags ?? "[]") };
}

const quote = (value: string) => JSON.stringify(value);

const writeSocket = (name: string, port: number, service: string) =>
  `(name = ${quote(name)}, address = "127.0.0.1:${port}", http = (), service = ${service}),`;

const writeBindings = (vars: Record<string, string>) =>
  Object.entries(vars)
    .map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)}),`)
    .join("\n        ");

/** Over Redis the edge asks no ledger object, but like every deployment it has them: those of its neighbour. */
function writeRedisEdge({ redis }: WorkerdPlan, common: string): string {
  if (!redis) return "";
  return `(name = "redis-edge", worker = (
      modules = [(name = "entry.js", esModule = embed "entry.js")],
      bindings = [
        (name = "LEDGERS", durableObjectNamespace = (className = "OrgLedger", serviceName = "edge")),
        (name = "FLEET", durableObjectNamespace = (className = "FleetObject", serviceName = "edge")),
        (name = "DB", wrapped = (moduleName = "bench:bill")),
        ${writeBindings(redis.vars)}
      ],
      ${common},
    )),`;
}

/** The two baselines: a bare pass-through, and the least that an edge must do. */
function writeBaselines(originUrl: string, common: string): string {
  return `(name = "bare", worker = (
      modules = [(name = "bare.js", esModule = embed "bare.js")],
      bindings = [(name = "ORIGIN", text = ${quote(originUrl)})],
      ${common},
    )),
    (name = "least", worker = (
      modules = [(name = "least.js", esModule = embed "least.js")],
      bindings = [(name = "ORIGIN", text = ${quote(originUrl)}), (name = "YES", durableObjectNamespace = "Yes")],
      durableObjectNamespaces = [(className = "Yes", uniqueKey = "yes", enableSql = true)],
      durableObjectStorage = (inMemory = void),
      ${common},
    )),`;
}

function writeSockets({ ports, redis }: WorkerdPlan): string {
  const sockets = [
    writeSocket("edge", ports.edge, '"edge"'),
    writeSocket("counted", ports.counted, '(name = "edge", entrypoint = "counted")'),
    writeSocket("probe", ports.probe, '(name = "edge", entrypoint = "probe")'),
    writeSocket("bare", ports.bare, '"bare"'),
    writeSocket("least", ports.least, '"least"'),
  ];
  if (redis) {
    sockets.push(writeSocket("redis-edge", redis.ports.edge, '"redis-edge"'));
    sockets.push(writeSocket("redis-probe", redis.ports.probe, '(name = "redis-edge", entrypoint = "probe")'));
  }
  return sockets.join("\n    ");
}

function writeConfig(plan: WorkerdPlan, state: string): string {
  const { date, flags } = readCompatibility(plan.root);
  const common =
    `compatibilityDate = ${quote(date)}, compatibilityFlags = [${flags.map(quote).join(", ")}], ` +
    'globalOutbound = "out"';
  // For profiling with perf: `BENCH_V8_FLAGS="--perf-basic-prof"` gives JavaScript its names.
  const v8Flags = (process.env["BENCH_V8_FLAGS"] ?? "").split(" ").filter(Boolean);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [(name = "entry.js", esModule = embed "entry.js")],
      bindings = [
        (name = "LEDGERS", durableObjectNamespace = "OrgLedger"),
        (name = "FLEET", durableObjectNamespace = "FleetObject"),
        (name = "DB", wrapped = (moduleName = "bench:bill")),
        ${writeBindings(plan.vars)}
      ],
      durableObjectNamespaces = [
        (className = "OrgLedger", uniqueKey = "ledgers", enableSql = true),
        (className = "FleetObject", uniqueKey = "fleet", enableSql = true),
      ],
      durableObjectStorage = (localDisk = "disk"),
      ${common},
    )),
    ${writeRedisEdge(plan, common)}
    ${writeBaselines(plan.originUrl, common)}
    (name = "disk", disk = (path = ${quote(state)}, writable = true)),
    (name = "out", network = (allow = ["private"])),
  ],
  sockets = [
    ${writeSockets(plan)}
  ],
  v8Flags = [${v8Flags.map(quote).join(", ")}],
  extensions = [(modules = [(name = "bench:bill", esModule = embed "bill.js", internal = true)])],
);
`;
}
