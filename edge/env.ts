import { z } from "zod";
import type { OrgLedger } from "./adapters/durable-object/ledger/ledger-object.ts";
import type { FleetObject } from "./adapters/durable-object/fleet/fleet-object.ts";
import { endpointPaths, isMedia } from "./agreements/paths.ts";
import { usageDays } from "./agreements/prices/limits.ts";
import { Cidrs, createJsonSchema, Secrets } from "./agreements/settings/forms.ts";
import { findMailFaults, findSignUpFaults, signInSettings } from "./agreements/settings/sign-in.ts";
import { eventSettings } from "./agreements/settings/events.ts";
import { NodeMasterKeys } from "./agreements/tokens/node-keys.ts";
import { findByName, ModelRecord } from "./agreements/records/model.ts";
import { NodeRecord } from "./agreements/records/node.ts";
import { holdGraceMs, leaseMs } from "./limits.ts";

/** What the platform gives us, as wrangler.toml names it: bindings, then variables and secrets. */
export interface Env {
  DB: D1Database;
  LEDGERS: DurableObjectNamespace<OrgLedger>;
  FLEET: DurableObjectNamespace<FleetObject>;
  /** Counts calls by address per Cloudflare location. Without it, and without Redis, each isolate counts alone. */
  IP_COUNTER?: RateLimit;
  /** Where stored responses lie, sealed. Without it none can be stored. */
  RESPONSES?: R2Bucket;
  /** Where old rows of the bill go. Without it they stay in D1 for good. */
  ARCHIVE?: R2Bucket;
  /** Sends mail while `MAIL` is `cloudflare`. */
  EMAIL?: SendEmail;
  LEDGER?: string;
  UPSTASH_REDIS_REST_URL?: string;
  UPSTASH_REDIS_REST_TOKEN?: string;
  MODELS?: string;
  NODES?: string;
  TAG_KEYS?: string;
  PEPPERS?: string;
  NODE_MASTER_KEYS?: string;
  TOKEN_KEY?: string;
  BOOTSTRAP_TOKEN?: string;
  REDIS_WAIT_MS?: string;
  HOLD_GRACE_MS?: string;
  IP_PER_SECOND?: string;
  IP_EXEMPT?: string;
  CLIENT_IP_HEADER?: string;
  CURRENCY?: string;
  TICKETS?: string;
  STORE_KEYS?: string;
  AUDIT_KEY?: string;
  USAGE_DAYS?: string;
  SESSION_KEYS?: string;
  OPERATORS_MFA?: string;
  PUBLIC_URL?: string;
  MAIL?: string;
  MAIL_FROM?: string;
  MAIL_URL?: string;
  MAIL_TOKEN?: string;
  OIDC?: string;
  SIGN_UP?: string;
  SIGN_UP_DOMAINS?: string;
  DNS_URL?: string;
  WEBHOOK_WAIT_MS?: string;
  WEBHOOK_WINDOW_MS?: string;
  WEBHOOKS_LOCAL?: string;
  LEAK_KEYS_URL?: string;
}

const key = /^[A-Za-z0-9_-]{43}$/;
const PrivateKey = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().regex(key),
  d: z.string().regex(key),
  kid: z.string().min(1),
});

/** Variables and secrets, parsed. `.dev.vars.example` shows one of each. */
export const Settings = z
  .object({
    LEDGER: z
      .enum(["durable-object", "upstash"])
      .default("durable-object")
      .describe("Who keeps the limits: `durable-object` needs nothing else, `upstash` a Redis behind Upstash's REST."),
    UPSTASH_REDIS_REST_URL: z
      .url({ protocol: /^https?$/, error: "is not an http(s) URL" })
      .optional()
      .describe("Where that Redis is. Required while LEDGER is `upstash`."),
    UPSTASH_REDIS_REST_TOKEN: z
      .string()
      .min(1, "is empty")
      .optional()
      .meta({ description: "Its token. Required while LEDGER is `upstash`.", isSecret: true }),
    MODELS: createJsonSchema(
      z
        .array(ModelRecord)
        .min(1)
        .refine(
          (models) => isUnique(models.flatMap(({ id, aliases }) => [id, ...aliases])),
          "names a model or an alias twice",
        )
        .refine(
          (models) =>
            models.every(({ endpoints, unitTokens }) => unitTokens !== undefined || !endpoints.some(isInUnits)),
          "has a model for sound or pictures without `unitTokens`",
        ),
    ).describe("The models that are served: a JSON list of model records."),
    NODES: createJsonSchema(
      z.array(NodeRecord).refine((nodes) => isUnique(nodes.map(({ id }) => id)), "names a node twice"),
    ).describe("The nodes that may serve: a JSON list of node records. May be empty."),
    TAG_KEYS: createJsonSchema(Secrets).meta({
      description: "Mark keys as ours, so that a forged one costs no look-up: JSON, kid to secret, one or two.",
      isSecret: true,
    }),
    PEPPERS: createJsonSchema(Secrets).meta({
      description: "The digests of keys are made under them: JSON, kid to secret, one or two.",
      isSecret: true,
    }),
    NODE_MASTER_KEYS: createJsonSchema(NodeMasterKeys).meta({
      description:
        "The keys that the edge shares with each node are derived from them: JSON, kid to secret, one or two.",
      isSecret: true,
    }),
    TOKEN_KEY: createJsonSchema(PrivateKey).meta({
      description: "Signs client tokens: an Ed25519 JWK with `d` and `kid`.",
      isSecret: true,
    }),
    STORE_KEYS: createJsonSchema(Secrets)
      .optional()
      .meta({
        description:
          "Stored responses are sealed under keys of their orgs, and those under these, as webhooks' secrets are: " +
          "JSON, kid to secret, one or two; the first seals. Without it no responses can be stored, and no webhooks " +
          "made.",
        isSecret: true,
      }),
    AUDIT_KEY: createJsonSchema(PrivateKey)
      .optional()
      .meta({
        description:
          "Signs the end of each org's audit log, once a day: an Ed25519 JWK with `d` and `kid`, used for nothing " +
          "else. Without it no heads are signed. Give its public half to whoever verifies logs.",
        isSecret: true,
      }),
    ...signInSettings,
    ...eventSettings,
    BOOTSTRAP_TOKEN: z.string().min(32, "must have at least 32 characters").optional().meta({
      description: "Makes the first operator key while none is in force; at least 32 characters. Delete it afterwards.",
      isSecret: true,
    }),
    /** No longer than for the cron, and less than agents wait (10 s). */
    REDIS_WAIT_MS: z
      .string()
      .regex(/^([1-9]\d{1,2}|[1-4]\d{3}|5000)$/, "is not a whole number from 10 to 5000")
      .transform(Number)
      .default(250)
      .describe("How long Redis may take to answer a call, 10 to 5,000; beyond it 503 `quota_unavailable`."),
    HOLD_GRACE_MS: z
      .string()
      .regex(/^([1-9]\d{3,4}|[1-5]\d{5}|600000)$/, "is not a whole number from 1000 to 600000")
      .transform(Number)
      .default(holdGraceMs)
      .describe("How long after its deadline a call's hold stands for its node's last report, 1,000 to 600,000."),
    LEASE_MS: z
      .string()
      .regex(/^([0-9]{1,3}|[1-4]\d{3}|5000)$/, "is not a whole number from 0 to 5000")
      .transform(Number)
      .default(leaseMs)
      .describe(
        "How long an isolate may admit the calls of a busy key by itself before it asks its ledger, 0 to 5,000; a " +
          "revocation is answered so much later, and 100 ms. 0: the ledger is asked about every call.",
      ),
    IP_PER_SECOND: z
      .string()
      .regex(/^\d{1,5}$/, "is not a whole number from 0 to 99999")
      .transform(Number)
      .default(50)
      .describe("Calls that one address may make in a second; 0 is no limit. Change `IP_COUNTER` with it."),
    USAGE_DAYS: z
      .string()
      .regex(/^([1-9]\d|[1-9]\d{2}|[1-3]\d{3})$/, "is not a whole number from 10 to 3999")
      .transform(Number)
      .default(usageDays)
      .describe(
        "How long D1 keeps the bill call by call, in days, 10 to 3,999, where there is a bucket `ARCHIVE` for what " +
          "is older. Sums by hour and day stay for good.",
      ),
    CURRENCY: z
      .string()
      .regex(/^[A-Z]{3}$/, "is not a currency's code of ISO 4217, such as USD")
      .default("USD")
      .describe("What prices and costs are millionths of, by ISO 4217. It is shown; nothing is converted."),
    CLIENT_IP_HEADER: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/, "is not a header's name in small letters")
      .optional()
      .describe(
        "The header that tells a caller's address: `cf-connecting-ip` on Cloudflare (`wrangler.toml` sets it). Name " +
          "one only where whoever stands before the Worker sets it and overwrites a caller's. Unset, no address is " +
          "believed: nobody is counted by address, and keys that are bound to networks are refused.",
      ),
    TICKETS: z
      .enum(["required", "optional"], { error: "is neither 'required' nor 'optional'" })
      .default("required")
      .describe("`optional` takes usage records without a ticket, while agents are older than the edge; not longer."),
    IP_EXEMPT: Cidrs.default([]).describe("Networks whose calls are not limited by address, separated by commas."),
  })
  .superRefine((settings, context) => {
    const faults = [...findMailFaults(settings), ...findSignUpFaults(settings)];
    for (const { path, message } of faults) context.addIssue({ code: "custom", path, message });
  })
  .superRefine(({ LEDGER, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN }, context) => {
    if (LEDGER !== "upstash") return;
    for (const [name, value] of Object.entries({ UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN })) {
      if (value === undefined)
        context.addIssue({ code: "custom", path: [name], message: "is not set, though LEDGER is upstash" });
    }
  });

/** Who keeps the limits, with all that it takes to reach them. */
export type LedgerChoice =
  | { kind: "durable-object" }
  | { kind: "upstash"; url: string; token: string; waitMsMax: number };

/** Variables and secrets as the wiring takes them: `LEDGER` carries what its ledger needs. */
export type Settings = Omit<
  z.infer<typeof Settings>,
  "LEDGER" | "UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN"
> & {
  LEDGER: LedgerChoice;
};

function chooseLedger(settings: z.infer<typeof Settings>): LedgerChoice {
  const { LEDGER, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, REDIS_WAIT_MS: waitMsMax } = settings;
  // Both are set when LEDGER is upstash: the schema has proved it.
  return LEDGER === "upstash" && url && token ? { kind: LEDGER, url, token, waitMsMax } : { kind: "durable-object" };
}

/** Seconds, characters and images have no tokens of their own to be counted by. */
function isInUnits(endpoint: ModelRecord["endpoints"][number]): boolean {
  return endpoint !== "models" && isMedia(endpointPaths[endpoint].agent);
}

function isUnique(names: string[]): boolean {
  return new Set(names).size === names.length;
}

/** The variable's name, and for lists the position in it. No more than that: a kid may be a misplaced secret. */
function nameVariable([variable, ...path]: PropertyKey[]): string {
  const isList = variable === "MODELS" || variable === "NODES";
  return [String(variable), ...(isList ? path.map(String) : [])].join(".");
}

/** Thrown when the gateway cannot serve with its settings: names each variable at fault, and no value (F8). */
export class MisconfiguredError extends Error {
  constructor(faults: string[]) {
    super(`misconfigured: ${faults.join("; ")}`);
    this.name = "MisconfiguredError";
  }
}

/** Parses variables and checks bindings, or throws a MisconfiguredError with all faults at once. */
export function readSettings(env: Env): Settings {
  const faults = (["DB", "LEDGERS", "FLEET"] as const)
    .filter((name) => !env[name])
    .map((name) => `binding ${name} is missing`);
  const settings = Settings.safeParse(env);
  if (env.MAIL === "cloudflare" && !env.EMAIL) faults.push("binding EMAIL is missing, though MAIL is cloudflare");
  if (env.STORE_KEYS && !env.RESPONSES) faults.push("binding RESPONSES is missing, though STORE_KEYS is set");
  if (!settings.success)
    faults.push(...settings.error.issues.map(({ path, message }) => `${nameVariable(path)} ${message}`));
  if (faults.length > 0 || !settings.success) throw new MisconfiguredError(faults);
  return {
    ...settings.data,
    LEDGER: chooseLedger(settings.data),
    NODES: settings.data.NODES.map((node) => resolveModels(node, settings.data.MODELS)),
  };
}

/** A node may name a model by an alias; ranking compares ids. */
function resolveModels(node: NodeRecord, models: readonly ModelRecord[]): NodeRecord {
  return { ...node, models: node.models.map((name) => findByName(models, name)?.id ?? name) };
}
