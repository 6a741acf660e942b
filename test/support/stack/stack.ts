import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDemo } from "#infra/local/demo.ts";
import { startSecondEdge } from "#infra/local/edge/second-edge.ts";
import { root, startStack, type Stack, type StackOptions } from "#infra/local/stack.ts";
import { worldAt, type Place, type World } from "./world.ts";

export interface OwnStack {
  stack: Stack;
  world: World;
  /** Everything that any process of the stack has logged. */
  logs: string[];
  close(): Promise<void>;
}

/**
 * A stack of one's own, in a folder of its own that goes with it: real workerd, real agents, simulators that make a
 * token every 2 ms.
 */
export async function openOwnStack(options: Partial<StackOptions> = {}): Promise<OwnStack> {
  return openIn(mkdtempSync(join(tmpdir(), "penstock-")), options);
}

/** The same with a second edge, which keeps the same limits: a world through each. */
export async function openTwoEdges(options: Partial<StackOptions> = {}): Promise<OwnStack & { worlds: World[] }> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-"));
  const registry = join(stateDir, "registry");
  const own = await openIn(stateDir, { ...options, registry });
  const second = await startSecondEdge({ root, stateDir, registry, vars: own.stack.vars });
  const close = async () => {
    await second.close();
    await own.close();
  };
  return { ...own, worlds: [own.world, worldAt({ ...own.world.place, edge: second.url })], close };
}

async function openIn(stateDir: string, options: Partial<StackOptions>): Promise<OwnStack> {
  const logs: string[] = [];
  const stack = await startStack({
    port: 0,
    stateDir,
    simulatorArgs: ["--step-ms", "2"],
    log: (source, line) => void logs.push(`${source} ${line}`),
    ...options,
  });
  const place = await placeOf(stack, stateDir);
  return {
    stack,
    logs,
    world: worldAt(place),
    async close() {
      await stack.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export async function placeOf(stack: Stack, stateDir: string): Promise<Place> {
  const demo = await openDemo(stateDir, stack.edge.url, stack.secrets.bootstrapToken);
  await untilHealthy(stack.edge.url);
  const nodes = stack.nodes.map(({ id, tier, url, engineUrl, agent }) => ({
    id,
    tier,
    url,
    engineUrl,
    agentPid: agent.pid,
  }));
  return { edge: stack.edge.url, adminKey: demo.adminKey, nodes, stateDir };
}

export async function untilHealthy(edge: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await fetch(`${edge}/health`).catch(() => null))?.ok) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("the stack did not become healthy");
}
