import { createHash } from "node:crypto";
import type { CallMax, LoadReport } from "#edge/agreements/records/node.ts";
import { Refusal } from "#edge/errors.ts";
import { openCapacity, type Capacity } from "./capacity/capacity.ts";
import type { AgentConfig } from "../config.ts";
import { openEngine, type Engine } from "./http/client.ts";
import { openEngineMonitor, type EngineMonitor } from "./health.ts";
import { openFirstTokens, type FirstTokens } from "./first-tokens.ts";
import { openScoredGate, type ScoredGate } from "./capacity/scored.ts";

/** An engine with all that one call of it needs: its monitor, its capacity, and what watches over costly calls. */
export interface PooledEngine {
  engine: Engine;
  monitor: EngineMonitor;
  capacity: Capacity;
  scored: ScoredGate;
  firstTokens: FirstTokens;
}

/** All engines of this node. */
export interface EnginePool {
  readonly all: readonly PooledEngine[];
  /** The engine that serves a public model. Throws 502 when none is configured to, 503 while it is not ready. */
  findServing(model: string): PooledEngine;
  readonly load: LoadReport;
  /** Models whose engine is ready. */
  readonly models: string[];
  /** Calls, and their sequences. */
  readonly inflight: number;
  readonly sequences: number;
  /** The largest call that any of the engines takes. */
  readonly callMax: CallMax;
  readonly kvPoolTokens: number;
  /** Same engine, version and models, same fingerprint: only then may a stream go on elsewhere. */
  readonly fingerprint: string;
  close(): void;
}

/** Opens a client, a monitor and a capacity for each configured engine. */
export function openEnginePool(
  config: Pick<AgentConfig, "engines" | "limits">,
  now: () => number,
  onChange: () => void,
): EnginePool {
  const all = config.engines.map((engineConfig): PooledEngine => {
    const engine = openEngine(engineConfig);
    const monitor = openEngineMonitor(engine, config.limits, now, onChange);
    return {
      engine,
      monitor,
      ...openWatches(config.limits, now),
      capacity: openCapacity(config.limits, () => config.limits.kvPoolTokens ?? monitor.readings.kvPoolTokens),
    };
  });
  const byModel = mapModels(all);

  return {
    all,
    findServing(model) {
      const pooled = byModel.get(model);
      if (!pooled) throw new Refusal("bad_gateway", { log: "model_not_served" });
      if (pooled.monitor.state !== "ready")
        throw new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: `engine_${pooled.monitor.state}` });
      return pooled;
    },
    get load() {
      return readLoad(all);
    },
    get models() {
      return all
        .filter(({ monitor }) => monitor.state === "ready")
        .flatMap(({ engine }) => Object.keys(engine.config.models));
    },
    get inflight() {
      return sumOver(all, ({ capacity }) => capacity.inflight);
    },
    get sequences() {
      return sumOver(all, ({ capacity }) => capacity.sequences);
    },
    get callMax() {
      return joinCallMax(all.map(({ capacity }) => capacity.callMax));
    },
    get kvPoolTokens() {
      return sumOver(all, ({ monitor }) => config.limits.kvPoolTokens ?? monitor.readings.kvPoolTokens ?? 0);
    },
    get fingerprint() {
      return computeFingerprint(all);
    },
    close() {
      for (const { engine, monitor } of all) {
        monitor.close();
        engine.close();
      }
    },
  };
}

function openWatches(limits: AgentConfig["limits"], now: () => number): Pick<PooledEngine, "scored" | "firstTokens"> {
  return { scored: openScoredGate(), firstTokens: openFirstTokens(limits, now) };
}

function mapModels(all: readonly PooledEngine[]): Map<string, PooledEngine> {
  return new Map(
    all.flatMap((pooled) =>
      Object.keys(pooled.engine.config.models).map((model): [string, PooledEngine] => [model, pooled]),
    ),
  );
}

function computeFingerprint(all: readonly PooledEngine[]): string {
  const parts = all.map(({ engine, monitor }) => [
    engine.config.kind,
    monitor.version,
    Object.entries(engine.config.models).toSorted(),
  ]);
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** The edge refuses by this alone what no engine here takes; what one of several does not, the agent refuses. */
function joinCallMax(all: readonly CallMax[]): CallMax {
  const tokens = all.map((max) => max.tokens ?? Infinity);
  const most = Math.max(...tokens);
  return {
    sequences: Math.max(...all.map((max) => max.sequences)),
    ...(Number.isFinite(most) && { tokens: most }),
  };
}

/**
 * What waits is the engine's last report, a second old at most. What runs is known exactly: every sequence in flight
 * here that does not wait.
 */
function readLoad(all: readonly PooledEngine[]): LoadReport {
  const sequences = sumOver(all, ({ capacity }) => capacity.sequences);
  const waiting = Math.min(
    sequences,
    sumOver(all, ({ monitor }) => monitor.readings.waiting ?? 0),
  );
  return {
    running: sequences - waiting,
    waiting,
    kvUsed: Math.max(0, ...all.map(({ monitor }) => monitor.readings.kvUsed ?? 0)),
    heldTokens: sumOver(all, ({ capacity }) => capacity.heldTokens),
  };
}

function sumOver(all: readonly PooledEngine[], figure: (pooled: PooledEngine) => number): number {
  return all.reduce((sum, pooled) => sum + figure(pooled), 0);
}
