import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "#infra/local/child.ts";
import { bundleWorker } from "#infra/local/edge/bundle.ts";
import { serveWorkerd, type Workerd } from "./serve-workerd.ts";
import { writeConfig, writeSecondConfig, type ConfigPlan, type EdgePorts, type SharedPorts } from "./workerd-config.ts";

/** What the process that most rows measure is started with. */
export interface WorkerdPlan extends Omit<ConfigPlan, "state"> {
  /** Where its config and the ledgers' files go. */
  dir: string;
  inspectorPort: number | null;
}

/** Free ports for one edge, chosen before it starts: the origin must know the edge's port and the edge the origin's. */
export async function chooseEdgePorts(): Promise<EdgePorts> {
  const [edge = 0, counted = 0, probe = 0] = await freePorts(3);
  return { edge, counted, probe };
}

/** Free ports for what belongs to no edge. */
export async function chooseSharedPorts(): Promise<SharedPorts> {
  const [bare = 0, least = 0, relay = 0] = await freePorts(3);
  return { bare, least, relay };
}

/**
 * Starts plain `workerd serve` on the edge as it stands in the source, once for each service, with the compatibility
 * settings of wrangler.toml and ledgers on disk under `dir`. Only D1 is stood in for (worker/bill.ts).
 */
export async function startWorkerd(plan: WorkerdPlan): Promise<Workerd> {
  const { root, dir, edges, inspectorPort } = plan;
  const state = join(dir, "state");
  mkdirSync(state, { recursive: true });
  await writeWorkers(root, dir, ["entry", "bare", "least", "bill"]);
  const readyUrl = `http://127.0.0.1:${edges[0]?.ports.edge}/livez`;
  return serveWorkerd({ dir, config: writeConfig({ ...plan, state }), readyUrl, inspectorPort });
}

/** Starts the same edge as a second process, on the ledgers of the first. */
export async function startSecondWorkerd(plan: {
  root: string;
  dir: string;
  port: number;
  relay: number;
  vars: Record<string, string>;
}): Promise<Workerd> {
  await writeWorkers(plan.root, plan.dir, ["entry", "bill"]);
  const readyUrl = `http://127.0.0.1:${plan.port}/livez`;
  return serveWorkerd({ dir: plan.dir, config: writeSecondConfig(plan), readyUrl });
}

async function writeWorkers(root: string, dir: string, names: string[]): Promise<void> {
  for (const name of names)
    writeFileSync(join(dir, `${name}.js`), await bundleWorker(root, `infra/checks/bench/worker/${name}.ts`));
}
