import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Sockets of one edge: its door, the same with counting bindings, and the bench's probe behind it. */
export interface EdgePorts {
  edge: number;
  counted: number;
  probe: number;
}

/** The edge as one service of the process. */
export interface ServedEdge {
  name: string;
  ports: EdgePorts;
  vars: Record<string, string>;
  /** Entrypoint of worker/entry.ts that stands at `ports.edge`; null is the edge's own door, as it is. */
  door: "far" | null;
  /** Over Redis the edge asks no ledger object, but like every deployment it has them: those of this neighbour. */
  ledgersOf: string | null;
}

/** Sockets of the process that belong to no edge: two baselines, and the ledgers' way out to a second process. */
export interface SharedPorts {
  bare: number;
  least: number;
  relay: number;
}

/** What a process of the bench serves. The first edge is the one that most rows measure. */
export interface ConfigPlan {
  root: string;
  edges: ServedEdge[];
  shared: SharedPorts;
  originUrl: string;
  /** Where the ledgers' files go. */
  state: string;
}

/** The name by which two processes know that capnp, and so RPC, follows. */
const relayHost = "relay";

/** The config of the process that most rows measure: the edges, each with ledgers on disk, and the baselines. */
export function writeConfig({ root, edges, shared, originUrl, state }: ConfigPlan): string {
  const common = writeCommon(root);
  const [main] = edges;
  const sockets = [
    ...edges.flatMap(writeEdgeSockets),
    writeSocket("bare", shared.bare, '"bare"'),
    writeSocket("least", shared.least, '"least"'),
    writeSocket("relay", shared.relay, `(name = ${quote(main?.name ?? "")}, entrypoint = "Relay")`, relayHost),
  ];
  return writeFile(
    [
      ...edges.map((edge) => writeEdge(edge, common)),
      ...writeBaselines(originUrl, common),
      `(name = "disk", disk = (path = ${quote(state)}, writable = true)),`,
    ],
    sockets,
  );
}

/**
 * The config of a second edge process: the same edge, whose ledgers are those of the first process, reached by RPC
 * through `relay`.
 */
export function writeSecondConfig(plan: {
  root: string;
  port: number;
  relay: number;
  vars: Record<string, string>;
}): string {
  return writeFile(
    [
      `(name = "second", worker = (
      modules = [(name = "entry.js", esModule = embed "entry.js")],
      bindings = [
        (name = "RELAY", service = "relay"),
        (name = "FLEET", durableObjectNamespace = "FleetObject"),
        (name = "DB", wrapped = (moduleName = "bench:bill")),
        ${writeBindings(plan.vars)}
      ],
      durableObjectNamespaces = [(className = "FleetObject", uniqueKey = "second-fleet", enableSql = true)],
      durableObjectStorage = (inMemory = void),
      ${writeCommon(plan.root)},
    )),`,
      `(name = "relay", external = (address = "127.0.0.1:${plan.relay}", http = (capnpConnectHost = "${relayHost}"))),`,
    ],
    [writeSocket("second", plan.port, '(name = "second", entrypoint = "second")')],
  );
}

/** The config of one worker without bindings but ORIGIN: `module` is a file beside it. */
export function writeSmallConfig(plan: { root: string; module: string; port: number; originUrl: string }): string {
  return writeFile(
    [
      `(name = "small", worker = (
      modules = [(name = ${quote(plan.module)}, esModule = embed ${quote(plan.module)})],
      bindings = [(name = "ORIGIN", text = ${quote(plan.originUrl)})],
      ${writeCommon(plan.root)},
    )),`,
    ],
    [writeSocket("small", plan.port, '"small"')],
  );
}

/** Compatibility as in production, and where `fetch` goes. */
function writeCommon(root: string): string {
  const { date, flags } = readCompatibility(root);
  return (
    `compatibilityDate = ${quote(date)}, compatibilityFlags = [${flags.map(quote).join(", ")}], ` +
    'globalOutbound = "out"'
  );
}

/** The worker must run under the date and flags of production. */
function readCompatibility(root: string): { date: string; flags: string[] } {
  const text = readFileSync(join(root, "wrangler.toml"), "utf8");
  const date = /^compatibility_date = "(.*)"$/m.exec(text)?.[1];
  const flags = /^compatibility_flags = (\[.*\])$/m.exec(text)?.[1];
  if (!date) throw new Error("wrangler.toml names no compatibility_date");
  return { date, flags: JSON.parse(flags ?? "[]") };
}

const quote = (value: string) => JSON.stringify(value);

const writeSocket = (name: string, port: number, service: string, capnpHost: string | null = null) =>
  `(name = ${quote(name)}, address = "127.0.0.1:${port}", ` +
  `http = (${capnpHost === null ? "" : `capnpConnectHost = ${quote(capnpHost)}`}), service = ${service}),`;

const writeBindings = (vars: Record<string, string>) =>
  Object.entries(vars)
    .map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)}),`)
    .join("\n        ");

function writeEdgeSockets({ name, ports, door }: ServedEdge): string[] {
  return [
    writeSocket(name, ports.edge, door === null ? quote(name) : `(name = ${quote(name)}, entrypoint = "${door}")`),
    writeSocket(`${name}-counted`, ports.counted, `(name = ${quote(name)}, entrypoint = "counted")`),
    writeSocket(`${name}-probe`, ports.probe, `(name = ${quote(name)}, entrypoint = "probe")`),
  ];
}

function writeEdge({ name, vars, ledgersOf }: ServedEdge, common: string): string {
  const bind = (binding: string, className: string) =>
    `(name = "${binding}", durableObjectNamespace = ` +
    `${ledgersOf === null ? quote(className) : `(className = "${className}", serviceName = ${quote(ledgersOf)})`}),`;
  const own = `durableObjectNamespaces = [
        (className = "OrgLedger", uniqueKey = "${name}-ledgers", enableSql = true),
        (className = "FleetObject", uniqueKey = "${name}-fleet", enableSql = true),
      ],
      durableObjectStorage = (localDisk = "disk"),`;
  return `(name = ${quote(name)}, worker = (
      modules = [(name = "entry.js", esModule = embed "entry.js")],
      bindings = [
        ${bind("LEDGERS", "OrgLedger")}
        ${bind("FLEET", "FleetObject")}
        (name = "DB", wrapped = (moduleName = "bench:bill")),
        ${writeBindings(vars)}
      ],
      ${ledgersOf === null ? own : ""}
      ${common},
    )),`;
}

/** The two baselines: a bare pass-through, and the least that an edge must do. */
function writeBaselines(originUrl: string, common: string): string[] {
  return [
    `(name = "bare", worker = (
      modules = [(name = "bare.js", esModule = embed "bare.js")],
      bindings = [(name = "ORIGIN", text = ${quote(originUrl)})],
      ${common},
    )),`,
    `(name = "least", worker = (
      modules = [(name = "least.js", esModule = embed "least.js")],
      bindings = [(name = "ORIGIN", text = ${quote(originUrl)}), (name = "YES", durableObjectNamespace = "Yes")],
      durableObjectNamespaces = [(className = "Yes", uniqueKey = "yes", enableSql = true)],
      durableObjectStorage = (inMemory = void),
      ${common},
    )),`,
  ];
}

function writeFile(services: string[], sockets: string[]): string {
  // For profiling with perf: `BENCH_V8_FLAGS="--perf-basic-prof"` gives JavaScript its names.
  const needsBill = services.some((service) => service.includes("bench:bill"));
  const v8Flags = (process.env["BENCH_V8_FLAGS"] ?? "").split(" ").filter(Boolean);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join("\n    ")}
    (name = "out", network = (allow = ["private"])),
  ],
  sockets = [
    ${sockets.join("\n    ")}
  ],
  v8Flags = [${v8Flags.map(quote).join(", ")}],
  extensions = [${needsBill ? '(modules = [(name = "bench:bill", esModule = embed "bill.js", internal = true)])' : ""}],
);
`;
}
