import { createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { NodeId } from "#edge/agreements/tokens/ids.ts";

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

const PublicJwk = z.looseObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url"),
});
const PrivateJwk = PublicJwk.extend({ d: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url") });

const Milliseconds = z
  .int()
  .min(0)
  .max(24 * 3_600_000);

/** Bounds of the agent. Every one has a default that suits an L4 with a 7B model. */
export const AgentLimits = z.strictObject({
  /** A stream whose engine generates no token for so long ends with an error event. */
  streamIdleMsMax: Milliseconds.min(50).default(60_000),
  /**
   * After so long without a write to the edge, a comment is sent: only a write shows that the caller has left
   * (docs/decisions/0003).
   */
  pingMs: Milliseconds.min(10).default(500),
  /** A whole answer that takes longer is kept alive with white space before its JSON. */
  wholeSilenceMsMax: Milliseconds.min(10).default(60_000),
  /**
   * How long a stopping agent lets streams finish; 0 ends them at once. cloudflared's own grace is at most 3 minutes.
   */
  drainMsMax: Milliseconds.default(120_000),
  /** How long a stopping agent tries to deliver usage; what is left stays in the log. */
  flushMsMax: Milliseconds.default(1_000),
  pollMs: Milliseconds.min(10).default(1_000),
  heartbeatMs: Milliseconds.min(10).default(5_000),
  /** Calls in flight for each engine. */
  inflightMax: z.int().min(1).default(256),
  /** Used where the engine does not report its KV pool. */
  kvPoolTokens: z.int().min(1).nullable().default(null),
  /**
   * Holds bound a prompt by its bytes, four to five times its tokens: so much of the pool may be promised before calls
   * are refused.
   */
  kvPromiseMax: z.number().min(1).max(100).default(3),
  /** Sequences run but no token comes for so long: the engine is stuck. */
  stuckMs: Milliseconds.min(50).default(20_000),
  /** A segment of the usage log is closed at this size, and deleted when all of it is acknowledged. */
  segmentBytesMax: z
    .int()
    .min(1_024)
    .default(4 * 1024 * 1024),
});
/** The bounds of one agent, defaults filled in. */
export type AgentLimits = z.infer<typeof AgentLimits>;

/** The kinds of engine an agent can stand beside; engines/dialects.ts lists how they differ. */
export const EngineKind = z.enum(["vllm", "simulator", "openai", "ollama", "llama-server", "llamacpp"]);
/** One kind of engine. */
export type EngineKind = z.infer<typeof EngineKind>;

/** One engine: where it listens, and which of our public model ids it serves under which name of its own. */
export const EngineConfig = z.strictObject({
  kind: EngineKind,
  url: z.url({ protocol: /^https?$/ }),
  apiKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
    .optional(),
  models: z
    .record(z.string().min(1), z.string().min(1))
    .refine((models) => Object.keys(models).length > 0, "must name a model"),
});
/** The config of one engine, checked. */
export type EngineConfig = z.infer<typeof EngineConfig>;

const ConfigFile = z.strictObject({
  node: NodeId,
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(8_700),
  edgeUrl: z.url({ protocol: /^https?$/ }),
  hopPublicKeys: z
    .record(z.string().min(1).max(64), PublicJwk)
    .refine((keys) => Object.keys(keys).length > 0, "must hold a key"),
  privateKey: PrivateJwk.optional(),
  privateKeyFile: z.string().min(1).optional(),
  cacheSaltSecret: z.string().regex(/^[A-Za-z0-9_-]{43,}$/, "must be base64url of at least 32 bytes"),
  engines: z.array(EngineConfig).min(1),
  stateDir: z.string().min(1),
  limits: AgentLimits.prefault({}),
});

/** What a config file holds before defaults are filled in. */
export type ConfigInput = z.input<typeof ConfigFile>;

/** A checked config: defaults filled in, keys opened. */
export interface AgentConfig extends Omit<
  z.infer<typeof ConfigFile>,
  "privateKey" | "privateKeyFile" | "cacheSaltSecret"
> {
  privateKey: KeyObject;
  cacheSaltKey: KeyObject;
}

/** From which variables a config's members may come; they win over the file. */
const variables: Record<string, string> = {
  PENSTOCK_NODE: "node",
  PENSTOCK_HOST: "host",
  PENSTOCK_PORT: "port",
  PENSTOCK_EDGE_URL: "edgeUrl",
  PENSTOCK_HOP_PUBLIC_KEYS: "hopPublicKeys",
  PENSTOCK_PRIVATE_KEY_FILE: "privateKeyFile",
  PENSTOCK_CACHE_SALT_SECRET: "cacheSaltSecret",
  PENSTOCK_ENGINES: "engines",
  PENSTOCK_STATE_DIR: "stateDir",
};
const jsonMembers = new Set(["port", "hopPublicKeys", "engines"]);

/**
 * The config from `--config FILE` (or PENSTOCK_AGENT_CONFIG), with PENSTOCK_* variables and `--port`, `--host` over it.
 * Throws a ConfigError that names the member at fault.
 */
export function readConfig(args: string[], env: Record<string, string | undefined>): AgentConfig {
  const flags = readFlags(args);
  const file = flags.config ?? env["PENSTOCK_AGENT_CONFIG"];
  const raw: Record<string, unknown> = file === undefined ? {} : readConfigFile(file);
  for (const [variable, member] of Object.entries(variables)) {
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
  const parsed = ConfigFile.safeParse(raw);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "config"}: ${issue.message}`);
    throw new ConfigError("config_invalid", faults.join("; "));
  }
  const { privateKey, privateKeyFile, cacheSaltSecret, ...members } = parsed.data;
  const rest = { ...members, cacheSaltKey: createSecretKey(cacheSaltSecret, "base64url") };
  const models = rest.engines.flatMap((engine) => Object.keys(engine.models));
  const twice = models.find((model, at) => models.indexOf(model) !== at);
  if (twice !== undefined)
    throw new ConfigError("config_invalid", `engines: model '${twice}' is served by two engines`);
  if (privateKey) return { ...rest, privateKey: openPrivateKey(JSON.stringify(privateKey), "privateKey") };
  if (privateKeyFile === undefined) throw new ConfigError("config_invalid", "privateKeyFile: is missing");
  return { ...rest, privateKey: openPrivateKey(readSecretFile(privateKeyFile, "privateKeyFile"), "privateKeyFile") };
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

/** A private Ed25519 key as JWK or PKCS#8 PEM. */
function openPrivateKey(text: string, member: string): KeyObject {
  let key: KeyObject;
  try {
    key = text.trimStart().startsWith("{")
      ? createPrivateKey({ key: PrivateJwk.parse(JSON.parse(text)), format: "jwk" })
      : createPrivateKey({ key: text, format: "pem" });
  } catch {
    throw new ConfigError("config_invalid", `${member}: is no private key (JWK or PKCS#8 PEM)`);
  }
  if (key.asymmetricKeyType !== "ed25519") throw new ConfigError("config_invalid", `${member}: must be an Ed25519 key`);
  return key;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError("config_invalid", `${where}: is not valid JSON`);
  }
}
