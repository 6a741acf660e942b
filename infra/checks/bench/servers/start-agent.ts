import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deriveNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { startChild, type Child } from "#infra/local/child.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { pin } from "../cpu.ts";
import { makeFolder, type Stage } from "../stage.ts";

/** The id of the node that the measured agent runs as. */
export const agentNode = "node_bench-complex";

/**
 * Starts the agent as a node runs it, on the edge's core. Its usage goes to the edge, which does not know these holds
 * and answers so.
 */
export async function startAgent(stage: Stage): Promise<Child> {
  const folder = makeFolder(stage, "agent");
  const config = {
    node: agentNode,
    port: 0,
    edgeUrl: `http://127.0.0.1:${stage.ports.edge}`,
    nodeKeys: deriveNodeKeys(stage.secrets.nodeMasterKeys, agentNode),
    cacheSaltSecret: stage.secrets.cacheSaltSecret,
    engines: [
      {
        kind: "vllm",
        url: `http://127.0.0.1:${stage.ports.origin}`,
        models: Object.fromEntries(defaultModels.map(({ id }) => [id, id])),
      },
    ],
    stateDir: join(folder, "state"),
    limits: { drainMsMax: 0, flushMsMax: 500 },
  };
  const file = join(folder, "agent.json");
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const agent = await startChild("agent", [join(root, "origin/agent.ts"), "--config", file], () => undefined);
  pin(agent.pid, 0);
  const readyz = `${String(agent.ready["url"])}/readyz`;
  for (let tries = 0; !(await fetch(readyz)).ok && tries < 200; tries++) await sleep(50);
  return agent;
}

/** Starts a proxy that copies bytes to the origin and does nothing else, on the edge's core. */
export async function startPipe(stage: Stage): Promise<Child> {
  const program = join(root, "infra/checks/bench/servers/pipe.ts");
  const pipe = await startChild("pipe", [program, String(stage.ports.origin)], () => undefined);
  pin(pipe.pid, 0);
  return pipe;
}
