import type { Hono } from "hono";
import { serveStored } from "../../key-pipeline.ts";
import type { DoorEnv } from "../port.ts";
import { sitePaths } from "../site-paths.ts";

/** What is asked about stored responses, and where. */
const tasks = [
  ["GET", sitePaths.response, "show"],
  ["DELETE", sitePaths.response, "delete"],
  ["GET", sitePaths.responseItems, "listItems"],
  ["POST", sitePaths.responseCancel, "cancel"],
] as const;

/** Stored responses: one is shown or deleted, its input listed; none can be cancelled, since none is made behind. */
export function serveResponses(app: Hono<DoorEnv>): void {
  for (const [method, path, task] of tasks) {
    app.on(method, path.replace("{id}", ":id"), async (c) => {
      const { visit, wiring } = c.var;
      return c.json(await serveStored(visit, task, c.req.param("id") ?? "", wiring.ports));
    });
  }
}
