import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { join } from "node:path";
import type { Heartbeat } from "#edge/agreements/records/node.ts";
import type { Rooms } from "./calls/call.ts";
import type { AgentConfig } from "./config.ts";
import { openDoor } from "./door/door.ts";
import { openDrain } from "./calls/drain.ts";
import { openGate } from "./door/gate.ts";
import { openHabits } from "./usage/traffic-profiles.ts";
import { openHeartbeat } from "./report/heartbeat.ts";
import { openLog, type Log } from "./log.ts";
import { openMetrics } from "./metrics.ts";
import { nodeState } from "./report/node-state.ts";
import { openPosts } from "./engines/pool.ts";
import { openSigner } from "./report/sign.ts";
import { takeStateDir } from "./state-dir.ts";
import { openUsageLog } from "./usage/usage-log.ts";
import { openUsageSender } from "./usage/usage-sender.ts";

/** A running agent. */
export interface Agent {
  /** Where it listens. */
  readonly url: string;
  /**
   * Drains for `drainMsMax` (the config's, when not said; 0 cuts at once), delivers usage, closes. A second call, or
   * `hurry`, cuts what is in flight.
   */
  stop(drainMsMax?: number): Promise<void>;
  hurry(): void;
  /** Looks at the engines now instead of within a second; resolves when their state is known. */
  look(): Promise<void>;
}

/**
 * Starts an agent from a checked config; rejects with ConfigError when its state directory is taken. What its last run
 * left undelivered is sent first.
 */
export async function startAgent(config: AgentConfig, options: { log?: Log } = {}): Promise<Agent> {
  const now = () => Date.now();
  const log = options.log ?? openLog(config.node);
  const bootId = randomUUID();
  const bootedAtMs = now();
  const stateDir = await takeStateDir(config.stateDir);
  const sign = openSigner(config.node, config.privateKey, now);
  const usageLog = openUsageLog(join(config.stateDir, "usage"), config.limits.segmentBytesMax, log);
  const untakenLog = openUsageLog(join(config.stateDir, "usage-untaken"), config.limits.segmentBytesMax, log);
  const sender = openUsageSender(usageLog, { untakenLog, node: config.node, edgeUrl: config.edgeUrl, sign, log });
  const live = new Set<AbortController>();
  const onChange = () => void pulse.beat();
  const drain = openDrain(live, onChange);
  const posts = openPosts(config, now, onChange);
  const gate = openGate(config, now);
  const rooms: Rooms = {
    config,
    gate,
    posts,
    sender,
    habits: openHabits(),
    metrics: openMetrics(),
    log,
    now,
    live,
    isDraining: () => drain.isDraining,
  };
  const read = () => reportOf(rooms, bootId, bootedAtMs);
  const pulse = openHeartbeat({ edgeUrl: config.edgeUrl, sign, log, intervalMs: config.limits.heartbeatMs, read });
  const server = openDoor(rooms, drain);
  const url = await listen(server, config.host, config.port).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  void pulse.beat();
  let stopping: Promise<void> | null = null;

  async function close(): Promise<void> {
    pulse.close();
    sender.close();
    posts.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await stateDir.release();
  }

  async function stop(drainMsMax: number): Promise<void> {
    await drain.finish(drainMsMax);
    await sender.flush(config.limits.flushMsMax);
    await close();
    log("stopped");
  }

  return {
    url,
    hurry: drain.hurry,
    look: async () => void (await Promise.all(posts.all.map(({ watch }) => watch.look()))),
    stop(drainMsMax = config.limits.drainMsMax) {
      if (stopping) drain.hurry();
      stopping ??= stop(drainMsMax);
      return stopping;
    },
  };
}

function reportOf(rooms: Rooms, bootId: string, bootedAtMs: number): Omit<Heartbeat, "sequence"> {
  const { config, posts } = rooms;
  const [first] = posts.all;
  return {
    node: config.node,
    bootId,
    bootedAtMs,
    state: nodeState(rooms),
    models: posts.models,
    engine: {
      kind: first?.engine.config.kind ?? "none",
      version: first?.watch.version ?? "unknown",
      fingerprint: posts.fingerprint,
    },
    kvPoolTokens: posts.kvPoolTokens,
    load: posts.load,
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
