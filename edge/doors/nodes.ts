import { Hono } from "hono";
import { nodePaths } from "../agreements/paths.ts";
import { Refusal } from "../errors.ts";
import { takeHeartbeat, takeUsage } from "../settlement/index.ts";
import type { DoorEnv } from "./port.ts";

/** What nodes send: their bills and their heartbeats, signed by each. Callers have no business here. */
export function openNodesDoor(): Hono<DoorEnv> {
  const app = new Hono<DoorEnv>();
  app.post(nodePaths.usage, async (c) => {
    const { nodeKeys, ledger, tickets } = c.var.wiring.ports;
    return c.json(await takeUsage(c.var.visit, nodeKeys, ledger, tickets));
  });
  app.post(nodePaths.heartbeat, async (c) => {
    const { nodeKeys, fleet } = c.var.wiring.ports;
    const heartbeat = await takeHeartbeat(c.var.visit, nodeKeys);
    await fleet.report(heartbeat, c.var.visit.now()).catch((cause: unknown) => {
      throw new Refusal("store_unavailable", {
        message: "The fleet's memory is out of reach. The next heartbeat will do.",
        retryAfterMs: 1_000,
        log: "fleet out of reach",
        cause,
      });
    });
    return c.json({ heard: true });
  });
  return app;
}
