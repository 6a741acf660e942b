import { setTimeout as sleep } from "node:timers/promises";
import type { Arena } from "./arena.ts";
import type { FaultPlan } from "../plan/plan.ts";

/** A fault that has struck, and how long what it broke was down. */
export interface Struck {
  fault: FaultPlan;
  atMs: number;
  mendedAtMs: number;
}

/** Strikes when a fault's moment comes, and mends afterwards. */
export interface Conductor {
  onMoment(number: number): void;
  /** Resolves when everything is mended, to the faults that struck. */
  finish(): Promise<Struck[]>;
}

/** A conductor of one plan's faults. */
export function openConductor(arena: Arena, faults: readonly FaultPlan[]): Conductor {
  const struck: Promise<Struck>[] = [];
  /** Whatever is down belongs to the fault that struck it: a second fault on the same thing waits. */
  const busy = new Map<string, Promise<unknown>>();
  return {
    onMoment(number) {
      const fault = faults.find((candidate) => candidate.number === number);
      if (!fault) return;
      const thing = `${fault.kind.split("-")[1]} ${fault.target}`;
      const run = (busy.get(thing) ?? Promise.resolve()).then(() => strike(arena, fault));
      busy.set(thing, run);
      struck.push(run);
    },
    finish: () => Promise.all(struck),
  };
}

async function strike(arena: Arena, fault: FaultPlan): Promise<Struck> {
  const atMs = Date.now();
  await strikes[fault.kind](arena, fault);
  return { fault, atMs, mendedAtMs: Date.now() };
}

const strikes: Record<FaultPlan["kind"], (arena: Arena, fault: FaultPlan) => Promise<void>> = {
  async "kill-edge"({ edges }, { target }) {
    const { pid } = edges[target];
    if (pid === null) throw new Error("the edge has no workerd to kill");
    process.kill(pid, "SIGKILL");
    await waitUntilAlive(edges[target].url);
  },
  async "kill-agent"({ stack }, { target, forMs }) {
    const node = stack.nodes[target];
    node?.agent.kill("SIGKILL");
    await sleep(forMs);
    await node?.restartAgent();
  },
  async "kill-engine"({ engines }, { target, forMs }) {
    await engines[target]?.kill();
    await sleep(forMs);
    await engines[target]?.restart();
  },
  async "kill-redis"({ redis }, { forMs }) {
    redis?.kill("SIGKILL");
    await sleep(forMs);
    await redis?.restart();
  },
  "cut-redis": ({ toRedis }, { target, forMs }) => cut(toRedis[target], forMs),
  "cut-origin": ({ toNode }, { target, forMs }) => cut(toNode[target], forMs),
  "cut-usage": ({ toEdge }, { forMs }) => cut(toEdge[0], forMs),
};

async function cut(proxy: Arena["toNode"][number] | undefined, forMs: number): Promise<void> {
  proxy?.refuse(true);
  await sleep(forMs);
  proxy?.refuse(false);
}

/** Miniflare starts a workerd that died again by itself. */
async function waitUntilAlive(url: string): Promise<void> {
  await sleep(20);
  for (const endMs = Date.now() + 30_000; Date.now() < endMs; await sleep(50)) {
    if (
      await fetch(`${url}/livez`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
  }
  throw new Error(`the edge at ${url} did not come back within 30 s`);
}
