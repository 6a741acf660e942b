import { importJWK } from "jose";
import { durableObjectFleet } from "./adapters/durable-object/fleet.ts";
import { durableObjectLedger } from "./adapters/durable-object/ledger.ts";
import { openKeyring } from "./agreements/key-format.ts";
import type { ControlPorts } from "./control/port.ts";
import { MisconfiguredError, readSettings, type Env } from "./env.ts";
import { openRetryBudget } from "./forwarding/index.ts";
import type { Ports } from "./ports.ts";

/** The edge, wired: what calls need and what the control plane needs. */
export interface Wiring {
  ports: Ports;
  control: ControlPorts;
}

/** One wiring an isolate and environment; it lives as long as the isolate does. */
const wirings = new WeakMap<Env, Promise<Wiring>>();

/** Env → Ports. The only place that names adapters. A missing or malformed setting rejects, and nothing is served. */
export function wire(env: Env): Promise<Wiring> {
  const known = wirings.get(env);
  if (known) return known;
  const wiring = open(env);
  wirings.set(env, wiring);
  return wiring;
}

async function open(env: Env): Promise<Wiring> {
  const settings = readSettings(env);
  const keyring = await openKeyring({ tagKeys: settings.TAG_KEYS, peppers: settings.PEPPERS });
  const hopKey = await importJWK(settings.HOP_KEY, "EdDSA").catch(() => null);
  const { kty, crv, x, kid } = settings.HOP_KEY;
  const publicKey = await importJWK({ kty, crv, x }, "EdDSA").catch(() => null);
  if (!hopKey || !publicKey || hopKey instanceof Uint8Array || publicKey instanceof Uint8Array) {
    throw new MisconfiguredError(["HOP_KEY is not an Ed25519 key pair"]);
  }
  const fleet = durableObjectFleet(env.FLEET, settings.NODES);
  const ledger = durableObjectLedger(env.LEDGERS);
  const origin = { hopKey: { kid, key: hopKey }, budget: openRetryBudget(), watch: fleet };
  return {
    ports: { keyring, tokenKey: { kid, privateKey: hopKey, publicKey }, models: settings.MODELS, nodes: settings.NODES, ledger, fleet, origin },
    control: {
      db: env.DB,
      keyring,
      bootstrapToken: settings.BOOTSTRAP_TOKEN ?? null,
      publisher: ledger,
      models: settings.MODELS,
    },
  };
}
