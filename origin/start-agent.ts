import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { join } from "node:path";
import type { Heartbeat } from "#edge/agreements/records/node.ts";
import { openDrain } from "./calls/drain.ts";
import type { AgentConfig } from "./config.ts";
import { createAgentServer, type DoorRooms } from "./door/door.ts";
import { openGate } from "./door/gate.ts";
import { openEnginePool } from "./engines/pool.ts";
import { openLog, type Log } from "./log.ts";
import { openMetrics } from "./metrics.ts";
import { openHeartbeat } from "./report/heartbeat.ts";
import { readNodeState } from "./report/node-state.ts";
import { openSigner, type Signer } from "./report/sign.ts";
import { takeStateDir } from "./state-dir.ts";
import { adoptUsageLog } from "./usage/adopt-log.ts";
import { openTrafficProfiles } from "./usage/traffic-profiles.ts";
import { openUsageLog } from "./usage/usage-log.ts";
import { openUsageSender, type UsageSender } from "./usage/usage-sender.ts";

/** A running agent. */
export interface Agent {
  /** Where it listens. */
  readonly url: string;
  /**
   * Drains for `drainMsMax` (the config's by default; 0 ends calls at once), delivers usage, closes. A second call, or
   * `hurry`, ends what is in flight.
   */
  stop(drainMsMax?: number): Promise<void>;
  hurry(): void;
  /** Polls the engines now instead of within a second; resolves when their state is known. */
  pollEngines(): Promise<void>;
}

/**
 * Starts an agent from a checked config; rejects with ConfigError when its state directory is taken. Usage that the
 * last run left undelivered is sent first.
 */
export async function startAgent(config: AgentConfig, options: { log?: Log } = {}): Promise<Agent> {
  const log = options.log ?? openLog(config.node);
  const boot = { bootId: randomUUID(), bootedAtMs: now() };
  const stateDir = await takeStateDir(config.stateDir);
  const sign = openSigner(config.node, config.nodeKeys.node, now);
  const rooms = openRooms(config, openSender(config, sign, log), { log, onChange: () => void heartbeat.send() });
  const { sender, pool, drain } = rooms;
  const { edgeUrl, limits } = config;
  const read = () => readHeartbeat(rooms, boot);
  const heartbeat = openHeartbeat({ edgeUrl, sign, log, intervalMs: limits.heartbeatMs, read });
  const server = createAgentServer(rooms);
  const url = await listen(server, config.host, config.port).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  void heartbeat.send();
  let stopping: Promise<void> | null = null;

  async function close(): Promise<void> {
    heartbeat.close();
    sender.close();
    pool.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await stateDir.release();
  }

  async function stop(drainMsMax: number): Promise<void> {
    await drain.finish(drainMsMax);
    await sender.flush(limits.flushMsMax);
    await close();
    log("stopped");
  }

  return {
    url,
    hurry: drain.hurry,
    pollEngines: async () => void (await Promise.all(pool.all.map(({ monitor }) => monitor.poll()))),
    stop(drainMsMax = limits.drainMsMax) {
      if (stopping) drain.hurry();
      stopping ??= stop(drainMsMax);
      return stopping;
    },
  };
}

const now = (): number => Date.now();
/** What `usage-delayed` was called until 2026-11-29. */
const oldDelayedName = "usage-untaken";

function openSender(config: AgentConfig, sign: Signer, log: Log): UsageSender {
  const { stateDir, node, edgeUrl } = config;
  const open = (path: string) => openUsageLog(path, config.limits.segmentBytesMax, log);
  const delayedPath = join(stateDir, "usage-delayed");
  adoptUsageLog(join(stateDir, oldDelayedName), delayedPath, open);
  return openUsageSender(open(join(stateDir, "usage")), {
    delayedLog: open(delayedPath),
    node,
    edgeUrl,
    sign,
    log,
    random: Math.random,
  });
}

/** Everything that the door and its calls use; `onChange` is called when the node's state may have changed. */
function openRooms(
  config: AgentConfig,
  sender: UsageSender,
  { log, onChange }: { log: Log; onChange: () => void },
): DoorRooms {
  const live = new Set<AbortController>();
  const drain = openDrain(live, onChange);
  return {
    config,
    gate: openGate(config, now),
    drain,
    pool: openEnginePool(config, now, onChange),
    sender,
    profiles: openTrafficProfiles(),
    metrics: openMetrics(),
    log,
    now,
    live,
    isDraining: () => drain.isDraining,
  };
}

function readHeartbeat(
  rooms: DoorRooms,
  { bootId, bootedAtMs }: Pick<Heartbeat, "bootId" | "bootedAtMs">,
): Omit<Heartbeat, "sequence"> {
  const { config, pool } = rooms;
  const [first] = pool.all;
  return {
    node: config.node,
    bootId,
    bootedAtMs,
    state: readNodeState(rooms),
    models: pool.models,
    engine: {
      kind: first?.engine.config.kind ?? "none",
      version: first?.monitor.version ?? "unknown",
      fingerprint: pool.fingerprint,
    },
    kvPoolTokens: pool.kvPoolTokens,
    callMax: pool.callMax,
    load: pool.load,
  };
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${bound}`);
    });
  });
}
