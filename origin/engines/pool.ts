import { createHash } from "node:crypto";
import type { LoadReport } from "#edge/agreements/records/node.ts";
import { Refusal } from "#edge/errors.ts";
import { openCapacity, type Capacity } from "./capacity.ts";
import type { AgentConfig } from "../config.ts";
import { openEngine, type Engine } from "./http/client.ts";
import { openWatch, type Watch } from "./health.ts";

/** An engine with its monitor and its capacity: what one call needs. */
export interface Post {
  engine: Engine;
  watch: Watch;
  capacity: Capacity;
}

/** All engines of this node. */
export interface Posts {
  readonly all: readonly Post[];
  /** The engine that serves a public model. Throws 502 when none is configured to, 503 while it is not ready. */
  serving(model: string): Post;
  readonly load: LoadReport;
  /** Models whose engine is ready. */
  readonly models: string[];
  readonly inflight: number;
  readonly kvPoolTokens: number;
  /** Same engine, version and models, same fingerprint: only then may a stream go on elsewhere. */
  readonly fingerprint: string;
  close(): void;
}

/** Opens a client, a monitor and a capacity for each configured engine. */
export function openPosts(
  config: Pick<AgentConfig, "engines" | "limits">,
  now: () => number,
  onChange: () => void,
): Posts {
  const all = config.engines.map((engineConfig): Post => {
    const engine = openEngine(engineConfig);
    const watch = openWatch(engine, config.limits, now, onChange);
    return {
      engine,
      watch,
      capacity: openCapacity(config.limits, () => config.limits.kvPoolTokens ?? watch.readings.kvPoolTokens),
    };
  });
  const byModel = new Map(
    all.flatMap((post) => Object.keys(post.engine.config.models).map((model): [string, Post] => [model, post])),
  );

  return {
    all,
    serving(model) {
      const post = byModel.get(model);
      if (!post) throw new Refusal("bad_gateway", { log: "model_not_served" });
      if (post.watch.state !== "ready")
        throw new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: `engine_${post.watch.state}` });
      return post;
    },
    get load() {
      return loadOf(all);
    },
    get models() {
      return all
        .filter(({ watch }) => watch.state === "ready")
        .flatMap(({ engine }) => Object.keys(engine.config.models));
    },
    get inflight() {
      return total(all, ({ capacity }) => capacity.inflight);
    },
    get kvPoolTokens() {
      return total(all, ({ watch }) => config.limits.kvPoolTokens ?? watch.readings.kvPoolTokens ?? 0);
    },
    get fingerprint() {
      const parts = all.map(({ engine, watch }) => [
        engine.config.kind,
        watch.version,
        Object.entries(engine.config.models).toSorted(),
      ]);
      return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
    },
    close() {
      for (const { engine, watch } of all) {
        watch.close();
        engine.close();
      }
    },
  };
}

/**
 * What waits is the engine's last report, a second old at most. What runs is known exactly: every call in flight here
 * that does not wait.
 */
function loadOf(all: readonly Post[]): LoadReport {
  const inflight = total(all, ({ capacity }) => capacity.inflight);
  const waiting = Math.min(
    inflight,
    total(all, ({ watch }) => watch.readings.waiting ?? 0),
  );
  return {
    running: inflight - waiting,
    waiting,
    kvUsed: Math.max(0, ...all.map(({ watch }) => watch.readings.kvUsed ?? 0)),
    heldTokens: total(all, ({ capacity }) => capacity.heldTokens),
  };
}

function total(all: readonly Post[], figure: (post: Post) => number): number {
  return all.reduce((sum, post) => sum + figure(post), 0);
}
