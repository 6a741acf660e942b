import { createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { NodeId } from "#edge/agreements/tokens/ids.ts";
import { NodeKeyTexts, openNodeKeys, type NodeKeys } from "#edge/agreements/tokens/node-keys.ts";

/**
 * Why the agent will not start. `name` says what is wrong, the message where; neither holds a secret. Exit code 78
 * (EX_CONFIG).
 */
export class ConfigError extends Error {
  constructor(
    name: "config_missing" | "config_unreadable" | "config_invalid" | "file_mode" | "state_dir_in_use",
    message: string,
  ) {
    super(message);
    this.name = name;
  }
}

const Milliseconds = z
  .int()
  .min(0)
  .max(24 * 3_600_000);

/** Bounds of the agent. Every one has a default that suits an L4 with a 7B model. */
export const AgentLimits = z.strictObject({
  streamIdleMsMax: Milliseconds.min(50)
    .default(60_000)
    .describe("A stream whose engine generates no token for this long, in ms, ends with an error event."),
  pingMs: Milliseconds.min(10)
    .default(500)
    .describe(
      "After this long without a write to the edge, in ms, a comment is sent: only a write shows that the caller has " +
        "left (docs/decisions/0003).",
    ),
  wholeSilenceMsMax: Milliseconds.min(10)
    .default(60_000)
    .describe(
      "An answer in one piece that takes longer than this, in ms, is kept alive by white space before its JSON.",
    ),
  drainMsMax: Milliseconds.default(120_000).describe(
    "How long a stopping agent lets streams finish, in ms; 0 ends them at once. cloudflared waits 3 minutes at most.",
  ),
  flushMsMax: Milliseconds.default(1_000).describe(
    "How long a stopping agent tries to deliver usage, in ms; what is left stays in the log for the next start.",
  ),
  pollMs: Milliseconds.min(10).default(1_000).describe("How often each engine's health and load are read, in ms."),
  heartbeatMs: Milliseconds.min(10).default(5_000).describe("How often the node reports to the edge, in ms."),
  inflightMax: z.int().min(1).default(512).describe("The most calls in flight at one time, for each engine."),
  sequencesMax: z
    .int()
    .min(1)
    .default(256)
    .describe(
      "The most sequences at one time, for each engine: what it runs and queues together (vLLM's `--max-num-seqs` " +
        "with `--max-num-queued-reqs`). A call has prompts times `n` of them; 8 inputs of an embedding count as one, " +
        "and 32 are there at once.",
    ),
  orgShareMax: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.75)
    .describe(
      "The share of an engine that one org may have while it is alone there; beside others it has half " +
        "(docs/decisions/0013). 1 leaves nothing for whoever comes next.",
    ),
  kvPoolTokens: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("The size of the engine's KV pool in tokens, where the engine does not report it; null: not known."),
  kvPromiseMax: z
    .number()
    .min(1)
    .max(100)
    .default(3)
    .describe(
      "How many times the KV pool may be promised before calls are refused: a call counts its estimated prompt and " +
        "`max_tokens` for each sequence, but no more than the pool, and few calls make all that they may.",
    ),
  stuckMs: Milliseconds.min(50)
    .default(20_000)
    .describe("An engine whose sequences run without a token for this long, in ms, counts as stuck."),
  slowStructuredMs: Milliseconds.min(10)
    .default(5_000)
    .describe(
      "A call with a form for its answer (a schema, strict tools) whose first token takes longer than this, in ms, " +
        "and four times as long as is usual, is told of in the log with its org.",
    ),
  segmentBytesMax: z
    .int()
    .min(1_024)
    .default(4 * 1024 * 1024)
    .describe(
      "The size in bytes at which a segment of the usage log is closed; it is deleted when all of it is acknowledged.",
    ),
});
/** The bounds of one agent, defaults filled in. */
export type AgentLimits = z.infer<typeof AgentLimits>;

/** The kinds of engine an agent can stand beside; engines/dialects.ts lists how they differ. */
export const EngineKind = z.enum(["vllm", "simulator", "openai", "ollama", "llama-server", "llamacpp"]);
/** One kind of engine. */
export type EngineKind = z.infer<typeof EngineKind>;

/** One engine: where it listens, and which of our public model ids it serves under which name of its own. */
export const EngineConfig = z.strictObject({
  kind: EngineKind.describe("Which engine it is: how its health, tokenizer and bounds are called depends on that."),
  url: z.url({ protocol: /^https?$/ }).describe("Where the engine listens, best on loopback."),
  apiKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
    .optional()
    .describe("The key that the engine wants of the agent, if any; a secret."),
  models: z
    .record(z.string().min(1), z.string().min(1))
    .refine((models) => Object.keys(models).length > 0, "must name a model")
    .describe("Each public model id that this engine serves, and the engine's own name of it."),
});
/** The config of one engine, checked. */
export type EngineConfig = z.infer<typeof EngineConfig>;

/** An agent's config file; each setting says what it is for and in which unit, for docs/configuration.md. */
export const AgentConfigFile = z.strictObject({
  node: NodeId.describe("The node's id, as the edge knows it: node_ and a name."),
  host: z.string().min(1).default("127.0.0.1").describe("The address that the agent listens on."),
  port: z.int().min(0).max(65_535).default(8_700).describe("The port that the agent listens on; 0 takes a free one."),
  edgeUrl: z.url({ protocol: /^https?$/ }).describe("Where the edge is reached: usage and heartbeats go there."),
  nodeKeys: NodeKeyTexts.describe(
    "The keys that this node shares with the edge, by kid, as `npm run node-keys` prints them; secrets. Two while " +
      "they are rotated: each verifies the edge's calls (`hop`), the first signs what is sent to it (`node`).",
  ),
  cacheSaltSecret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43,}$/, "must be base64url of at least 32 bytes")
    .describe("At least 32 random bytes in base64url that keep the prefix caches of orgs apart; a secret."),
  engines: z.array(EngineConfig).min(1).describe("The engines of this node; no model is served by two of them."),
  stateDir: z
    .string()
    .min(1)
    .describe("The directory, kept over restarts, in which usage waits until it is delivered."),
  limits: AgentLimits.prefault({}).describe("The agent's bounds; each has a default."),
});

/** What a config file holds before defaults are filled in. */
export type ConfigInput = z.input<typeof AgentConfigFile>;

/** A checked config: defaults filled in, keys opened. */
export interface AgentConfig extends Omit<z.infer<typeof AgentConfigFile>, "nodeKeys" | "cacheSaltSecret"> {
  nodeKeys: NodeKeys;
  cacheSaltKey: KeyObject;
}

/** The variables from which a config's members may come; they win over the file. */
export const configVariables: Readonly<Record<string, keyof ConfigInput>> = {
  PENSTOCK_NODE: "node",
  PENSTOCK_HOST: "host",
  PENSTOCK_PORT: "port",
  PENSTOCK_EDGE_URL: "edgeUrl",
  PENSTOCK_NODE_KEYS: "nodeKeys",
  PENSTOCK_CACHE_SALT_SECRET: "cacheSaltSecret",
  PENSTOCK_ENGINES: "engines",
  PENSTOCK_STATE_DIR: "stateDir",
};
/** Members whose variable holds JSON. */
export const jsonMembers: ReadonlySet<string> = new Set(["port", "nodeKeys", "engines"]);

/**
 * The config from `--config FILE` (or PENSTOCK_AGENT_CONFIG), with PENSTOCK_* variables and `--port`, `--host` over it.
 * Throws a ConfigError that names the member at fault.
 */
export function readConfig(args: string[], env: Record<string, string | undefined>): AgentConfig {
  const flags = readFlags(args);
  const file = flags.config ?? env["PENSTOCK_AGENT_CONFIG"];
  const raw: Record<string, unknown> = file === undefined ? {} : readConfigFile(file);
  for (const [variable, member] of Object.entries(configVariables)) {
    const text = env[variable];
    if (text !== undefined) raw[member] = jsonMembers.has(member) ? parseJson(text, variable) : text;
  }
  if (flags.port !== undefined) raw["port"] = Number(flags.port);
  if (flags.host !== undefined) raw["host"] = flags.host;
  if (Object.keys(raw).length === 0)
    throw new ConfigError("config_missing", "give --config FILE, or set PENSTOCK_AGENT_CONFIG");
  return checkConfig(raw);
}

/**
 * A config from a plain object, as tests and `npm run dev` make it. Throws a ConfigError that names every member at
 * fault.
 */
export function checkConfig(raw: unknown): AgentConfig {
  const parsed = AgentConfigFile.safeParse(raw);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${nameMember(path)}: ${message}`);
    throw new ConfigError("config_invalid", faults.join("; "));
  }
  const { nodeKeys, cacheSaltSecret, ...rest } = parsed.data;
  const models = rest.engines.flatMap((engine) => Object.keys(engine.models));
  const twice = models.find((model, at) => models.indexOf(model) !== at);
  if (twice !== undefined)
    throw new ConfigError("config_invalid", `engines: model '${twice}' is served by two engines`);
  return { ...rest, nodeKeys: openNodeKeys(nodeKeys), cacheSaltKey: createSecretKey(cacheSaltSecret, "base64url") };
}

/** A kid that is none may be a secret at the wrong end, so of `nodeKeys` nothing more is named. */
function nameMember(path: PropertyKey[]): string {
  return (path[0] === "nodeKeys" ? "nodeKeys" : path.map(String).join(".")) || "config";
}

function readFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { config: { type: "string" }, port: { type: "string" }, host: { type: "string" } },
    }).values;
  } catch (error) {
    throw new ConfigError("config_invalid", error instanceof Error ? error.message : "unknown flag");
  }
}

function readConfigFile(path: string): Record<string, unknown> {
  const json = parseJson(readSecretFile(path, "config"), path);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new ConfigError("config_invalid", `${path}: must be a JSON object`);
  return { ...json };
}

/** Config and keys are secrets: a file that others may read is refused, as ssh does. */
function readSecretFile(path: string, member: string): string {
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0)
      throw new ConfigError("file_mode", `${member}: ${path} has mode 0${mode.toString(8)}; run chmod 600`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError("config_unreadable", `${member}: cannot read ${path}`);
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError("config_invalid", `${where}: is not valid JSON`);
  }
}
