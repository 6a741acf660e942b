import { freePorts } from "#infra/local/child.ts";
import { root } from "#infra/local/stack.ts";
import { pin } from "../cpu.ts";
import { makeFolder, type Stage } from "../stage.ts";
import type { Workerd } from "./serve-workerd.ts";
import { startSecondWorkerd } from "./workerd.ts";

/** A second process of the edge, on the edge's core. */
export interface SecondEdge extends Workerd {
  port: number;
}

/** Starts the edge once more, on the ledgers of the first, whose origin answers its calls and settles them. */
export async function startSecondEdge(stage: Stage): Promise<SecondEdge> {
  const [port = 0] = await freePorts(1);
  const { relay } = stage.ports;
  const dir = makeFolder(stage, "second");
  const workerd = await startSecondWorkerd({ root, dir, port, relay, vars: stage.vars });
  pin(workerd.pid, 0);
  return { ...workerd, port };
}
