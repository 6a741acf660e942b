import type { NodeState } from "#edge/agreements/node.ts";
import { isObject } from "#edge/protocol/owned.ts";
import type { AgentLimits } from "./config.ts";
import type { Engine } from "./engines/client.ts";
import { readReadings, type Readings } from "./engines/readings.ts";

export type EngineState = Extract<NodeState, "starting" | "ready" | "unhealthy">;

/** What is known of one engine. */
export interface EngineHealth {
  readonly state: EngineState;
  readonly readings: Readings;
  readonly version: string;
  /** The last metrics page, to be passed on. */
  readonly metricsText: string;
}

export interface Watch extends EngineHealth {
  /** Looks once, now. */
  look(): Promise<void>;
  close(): void;
}

const nothingRead: Readings = { running: null, waiting: null, kvUsed: null, kvPoolTokens: null, generatedTokens: null };
const lookMsMax = 5_000;
const failuresMax = 3;

/**
 * Watches one engine: ready = its health page says 200 **and** its tokens move. Sequences that run without a new token for `stuckMs`
 * mean that it hangs with a healthy page. A refused connection counts at once, a slow answer after three.
 */
export function openWatch(engine: Engine, limits: Pick<AgentLimits, "pollMs" | "stuckMs">, now: () => number, onChange: () => void): Watch {
  let state: EngineState = "starting";
  let readings = nothingRead;
  let version = "unknown";
  let metricsText = "";
  let failures = 0;
  let movedAtMs = now();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function become(next: EngineState): void {
    if (next === state) return;
    state = next;
    onChange();
  }

  async function look(): Promise<void> {
    const health = await engine.askText({ method: "GET", path: engine.dialect.healthPath }, lookMsMax);
    if (health?.status !== 200) {
      failures = health === null ? failures + 1 : failuresMax;
      if (state === "ready" && failures >= failuresMax) become("unhealthy");
      return;
    }
    if (failures > 0 || version === "unknown") version = await readVersion(engine);
    failures = 0;
    if (engine.dialect.hasMetrics) await readMetrics();
    become(now() - movedAtMs >= limits.stuckMs ? "unhealthy" : "ready");
  }

  async function readMetrics(): Promise<void> {
    const page = await engine.askText({ method: "GET", path: "/metrics" }, lookMsMax);
    if (page?.status !== 200) return;
    const next = readReadings(page.text);
    const isMoving = next.running === null || next.running === 0 || next.generatedTokens === null || next.generatedTokens !== readings.generatedTokens;
    if (isMoving) movedAtMs = now();
    readings = next;
    metricsText = page.text;
  }

  async function repeat(): Promise<void> {
    await look();
    if (!isClosed) timer = setTimeout(() => void repeat(), limits.pollMs);
  }
  void repeat();

  return {
    look,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
    get state() {
      return state;
    },
    get readings() {
      return readings;
    },
    get version() {
      return version;
    },
    get metricsText() {
      return metricsText;
    },
  };
}

async function readVersion(engine: Engine): Promise<string> {
  const { versionPath } = engine.dialect;
  if (versionPath === null) return "none";
  const answer = await engine.askText({ method: "GET", path: versionPath }, lookMsMax);
  try {
    const json: unknown = JSON.parse(answer?.text ?? "null");
    return isObject(json) && typeof json["version"] === "string" ? json["version"].slice(0, 64) : "unknown";
  } catch {
    return "unknown";
  }
}
