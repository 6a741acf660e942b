import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { deriveNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import type { EngineKind } from "#origin/config.ts";
import { freePorts, startChild, type Child } from "./child.ts";
import { startEdge, type RunningEdge } from "./edge/edge.ts";
import { openSecrets, makeSecretVars, type Secrets } from "./secrets.ts";

/** The root of this repository. */
export const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
/** The models of `npm run dev`, from models.json. */
export const defaultModels: ModelRecord[] = JSON.parse(readFileSync(new URL("models.json", import.meta.url), "utf8"));

/** How a local stack is set up; everything but the port and the state folder has a default. */
export interface StackOptions {
  port: number;
  stateDir: string;
  models?: ModelRecord[];
  /** Engines that run already, one a node; otherwise each node gets a simulator. */
  engines?: EngineSpec[];
  /** Further arguments of the simulators. */
  simulatorArgs?: string[];
  agentLimits?: Record<string, number>;
  /** Who keeps the limits; `upstash` is a Redis of our own behind the REST bridge. */
  ledger?: "durable-object" | "upstash";
  /** Where the edge finds an agent that listens at `url`; tests put a faulty network between them. */
  via?: (url: string) => Promise<string>;
  /** Where an agent finds its engine, and the edge. */
  viaEngine?: (url: string) => Promise<string>;
  viaEdge?: (url: string) => Promise<string>;
  /** See EdgeOptions. */
  registry?: string;
  entry?: string;
  vars?: Record<string, string>;
  log?: (source: string, line: string) => void;
}

/** An engine as an agent's config names it: its kind, its address, and its models by our names. */
export interface EngineSpec {
  kind: EngineKind;
  url: string;
  models: Record<string, string>;
}

/** A node of the stack: its agent, and its engine where the stack started one. */
export interface LocalNode {
  id: string;
  tier: "shared" | "complex";
  url: string;
  engineUrl: string;
  agent: Child;
  engine: Child | null;
  /** Starts the agent again after it was killed, with the same config and port. */
  restartAgent(): Promise<void>;
}

/** A running stack. */
export interface Stack {
  edge: RunningEdge;
  nodes: LocalNode[];
  secrets: Secrets;
  /** The edge's variables, for a second edge of the same deployment. */
  vars: Record<string, string>;
  close(): Promise<void>;
}

/** The nodes of every local stack. */
export const nodeSpecs = [
  { id: "node_shared-1", tier: "shared" },
  { id: "node_complex-1", tier: "complex" },
] as const;

/**
 * Runs the whole path on this machine: engines, agents, edge. Agents and edge know of each other only what a remote
 * node would: an address, and the keys that both share. Closing stops every process within two seconds.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { stateDir, models = defaultModels, log = () => undefined } = options;
  mkdirSync(stateDir, { recursive: true });
  const secrets = openSecrets(stateDir);
  const [edgePort = 0, ...agentPorts] = await freePorts(1 + nodeSpecs.length);
  const port = options.port || edgePort;
  const engines = await Promise.all(nodeSpecs.map((_, index) => openEngine(options, models, index, log)));
  const via = options.via ?? (async (url: string) => url);
  const records = await Promise.all(
    nodeSpecs.map(async (spec, index) => ({
      ...spec,
      url: await via(`http://127.0.0.1:${agentPorts[index]}`),
      models: models.map((model) => model.id),
    })),
  );
  const redis = options.ledger === "upstash" ? await openRedis(stateDir, log) : null;
  const vars = {
    MODELS: JSON.stringify(models),
    NODES: JSON.stringify(records),
    ...makeSecretVars(secrets),
    MAIL: "local",
    WEBHOOKS_LOCAL: "on",
    ...redis?.vars,
    ...options.vars,
  };
  const { registry, entry } = options;
  const further = { ...(registry !== undefined && { registry }), ...(entry !== undefined && { entry }) };
  const edge = await startEdge({
    root,
    port,
    stateDir: join(stateDir, "edge"),
    vars,
    log: (line) => log("edge", line),
    ...further,
  });
  const edgeUrl = (await options.viaEdge?.(edge.url)) ?? edge.url;
  const nodes = await Promise.all(
    records.map((record, index) => {
      const engine = engines[index];
      if (!engine) throw new RangeError("a node without an engine");
      return startNode({ options, secrets, record, port: agentPorts[index] ?? 0, edgeUrl, engine, log });
    }),
  );
  const close = async () => {
    await Promise.all([...nodes.map(({ agent }) => agent.stop()), edge.close()]);
    await Promise.all([redis?.child.stop(), ...nodes.map(({ engine }) => engine?.stop())]);
  };
  return { edge, nodes, secrets, vars, close };
}

/** What one node of the stack is made of. */
interface NodeParts {
  options: StackOptions;
  secrets: Secrets;
  record: Pick<LocalNode, "id" | "tier">;
  port: number;
  edgeUrl: string;
  engine: OpenEngine;
  log: (source: string, line: string) => void;
}

async function startNode(parts: NodeParts): Promise<LocalNode> {
  const { record, port, engine, log } = parts;
  const config = writeAgentConfig(parts);
  const start = () =>
    startChild(record.id, [join(root, "origin/agent.ts"), "--config", config], (line) => log(record.id, line));
  const node: LocalNode = {
    id: record.id,
    tier: record.tier,
    url: `http://127.0.0.1:${port}`,
    engineUrl: engine.spec.url,
    agent: await start(),
    engine: engine.child,
    async restartAgent() {
      node.agent = await start();
    },
  };
  return node;
}

/** Its file lies in the state folder, so quotas survive a restart as they do in Durable Objects. */
async function openRedis(stateDir: string, log: (source: string, line: string) => void) {
  const child = await startChild(
    "redis",
    [join(root, "infra/local/redis/redis.ts"), "--dir", join(stateDir, "redis")],
    (line) => log("redis", line),
  );
  const { url, token } = child.ready;
  return {
    child,
    vars: { LEDGER: "upstash", UPSTASH_REDIS_REST_URL: String(url), UPSTASH_REDIS_REST_TOKEN: String(token) },
  };
}

interface OpenEngine {
  spec: EngineSpec;
  child: Child | null;
}

/** As vLLM has them unless told otherwise; what an agent takes for granted (`sequencesMax`). */
const queueFlags = ["--max-num-seqs", "256", "--max-num-queued-reqs", "none"];

/** The simulator's flags for these models: names, kinds, and each one's own context and media. */
export function makeModelFlags(models: readonly ModelRecord[]): string[] {
  return models.flatMap(({ id, aliases, endpoints, contextTokensMax, mediaTokensMax = {} }) => [
    chooseModelFlag(endpoints),
    [id, ...aliases].join(","),
    "--model-context",
    `${id}=${contextTokensMax}`,
    ...listMediaFlags(id, Object.values(mediaTokensMax)),
  ]);
}

function chooseModelFlag(endpoints: ModelRecord["endpoints"]): string {
  if (endpoints.includes("rerank") || endpoints.includes("score")) return "--rerank-model";
  if (endpoints.some((endpoint) => endpoint.startsWith("audio.trans"))) return "--transcription-model";
  if (endpoints.includes("audio.speech")) return "--speech-model";
  if (endpoints.includes("images.generations")) return "--image-model";
  return endpoints.includes("embeddings") ? "--embedding-model" : "--model";
}

/** The simulator counts all media alike: as the least of what the record allows them. */
function listMediaFlags(id: string, bounds: readonly (number | undefined)[]): string[] {
  const tokens = bounds.filter((bound) => bound !== undefined);
  return tokens.length === 0 ? [] : ["--media-tokens", `${id}=${Math.min(...tokens)}`];
}

async function openEngine(
  options: StackOptions,
  models: ModelRecord[],
  index: number,
  log: (source: string, line: string) => void,
): Promise<OpenEngine> {
  const given = options.engines?.[index % options.engines.length];
  if (given) return { spec: given, child: null };
  const served = Object.fromEntries(models.map(({ id }) => [id, id]));
  const names = makeModelFlags(models);
  const name = `engine-${index + 1}`;
  const child = await startChild(
    name,
    [join(root, "infra/simulator/main.ts"), "--port", "0", ...names, ...queueFlags, ...(options.simulatorArgs ?? [])],
    (line) => log(name, line),
  );
  const url = String(child.ready["url"]);
  return { spec: { kind: "simulator", url: (await options.viaEngine?.(url)) ?? url, models: served }, child };
}

function writeAgentConfig({ options, secrets, record, port, edgeUrl, engine }: NodeParts): string {
  const config = {
    node: record.id,
    port,
    edgeUrl,
    nodeKeys: deriveNodeKeys(secrets.nodeMasterKeys, record.id),
    cacheSaltSecret: secrets.cacheSaltSecret,
    engines: [engine.spec],
    stateDir: join(options.stateDir, record.id),
    limits: { drainMsMax: 0, flushMsMax: 500, ...options.agentLimits },
  };
  const file = join(options.stateDir, `${record.id}.json`);
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  return file;
}
