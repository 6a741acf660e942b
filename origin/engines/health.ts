import type { NodeState } from "#edge/agreements/records/node.ts";
import { isObject } from "#edge/agreements/json.ts";
import type { AgentLimits } from "../config.ts";
import type { Engine } from "./http/client.ts";
import { readReadings, type Readings } from "./readings.ts";

/** How an engine is doing; draining is the node's affair. */
export type EngineState = Extract<NodeState, "starting" | "ready" | "unhealthy">;

/** What is known of one engine. */
export interface EngineHealth {
  readonly state: EngineState;
  readonly readings: Readings;
  readonly version: string;
  /** The last metrics page, to be passed on. */
  readonly metricsText: string;
}

/** Polls one engine until it is closed. */
export interface EngineMonitor extends EngineHealth {
  /** Polls once, now. */
  poll(): Promise<void>;
  close(): void;
}

const noReadings: Readings = { running: null, waiting: null, kvUsed: null, kvPoolTokens: null, generatedTokens: null };
const probeMsMax = 5_000;
const failuresMax = 3;

/**
 * Polls one engine: ready = its health page says 200 **and** its tokens move. Sequences that run without a new token
 * for `stuckMs` mean that it hangs with a healthy page. A refused connection counts at once, a slow answer after three.
 */
export function openEngineMonitor(
  engine: Engine,
  limits: MonitorLimits,
  now: () => number,
  onChange: () => void,
): EngineMonitor {
  return new PollingMonitor(engine, limits, now, onChange);
}

type MonitorLimits = Pick<AgentLimits, "pollMs" | "stuckMs">;

class PollingMonitor implements EngineMonitor {
  state: EngineState = "starting";
  readings = noReadings;
  version = "unknown";
  metricsText = "";
  #engine: Engine;
  #limits: MonitorLimits;
  #now: () => number;
  #onChange: () => void;
  #failures = 0;
  #movedAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(engine: Engine, limits: MonitorLimits, now: () => number, onChange: () => void) {
    this.#engine = engine;
    this.#limits = limits;
    this.#now = now;
    this.#onChange = onChange;
    this.#movedAtMs = now();
    void this.#pollAgain();
  }

  async poll(): Promise<void> {
    const { dialect } = this.#engine;
    const health = await this.#engine.requestText({ method: "GET", path: dialect.healthPath }, probeMsMax);
    if (health?.status !== 200) {
      this.#failures = health === null ? this.#failures + 1 : failuresMax;
      if (this.state === "ready" && this.#failures >= failuresMax) this.#setState("unhealthy");
      return;
    }
    if (this.#failures > 0 || this.version === "unknown") this.version = await readVersion(this.#engine);
    this.#failures = 0;
    if (dialect.hasMetrics) await this.#readMetrics();
    else this.#movedAtMs = this.#now();
    this.#setState(this.#now() - this.#movedAtMs >= this.#limits.stuckMs ? "unhealthy" : "ready");
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #setState(state: EngineState): void {
    if (this.#isClosed || state === this.state) return;
    this.state = state;
    this.#onChange();
  }

  /** Without a page to read, or with nothing running, tokens count as moving. */
  async #readMetrics(): Promise<void> {
    const page = await this.#engine.requestText({ method: "GET", path: "/metrics" }, probeMsMax);
    const next = page?.status === 200 ? readReadings(page.text) : noReadings;
    const isIdle = next.running === null || next.running === 0 || next.generatedTokens === null;
    if (isIdle || next.generatedTokens !== this.readings.generatedTokens) this.#movedAtMs = this.#now();
    if (page?.status !== 200) return;
    this.readings = next;
    this.metricsText = page.text;
  }

  async #pollAgain(): Promise<void> {
    await this.poll();
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#pollAgain(), this.#limits.pollMs);
  }
}

async function readVersion(engine: Engine): Promise<string> {
  const { versionPath } = engine.dialect;
  if (versionPath === null) return "none";
  const answer = await engine.requestText({ method: "GET", path: versionPath }, probeMsMax);
  try {
    const json: unknown = JSON.parse(answer?.text ?? "null");
    return isObject(json) && typeof json["version"] === "string" ? json["version"].slice(0, 64) : "unknown";
  } catch {
    return "unknown";
  }
}
