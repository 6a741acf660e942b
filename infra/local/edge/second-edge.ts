import { join } from "node:path";
import { freePorts } from "../child.ts";
import { startEdge, type EdgeOptions, type RunningEdge } from "./edge.ts";

/**
 * A second edge of a deployment whose first one is named `penstock`: it finds that one's ledgers and fleet through
 * their registry, as all edges of a deployment use the same. Its state lies in `edge-2` of the folder.
 */
export async function startSecondEdge(
  options: Omit<EdgeOptions, "port" | "name" | "hostedBy" | "registry"> & { registry: string },
): Promise<RunningEdge> {
  const [port = 0] = await freePorts(1);
  const stateDir = join(options.stateDir, "edge-2");
  return startEdge({ ...options, port, stateDir, name: "penstock-2", hostedBy: "penstock" });
}
