import { z } from "zod";
import type { ModelRecord } from "../agreements/records/model.ts";
import { heartbeatStaleMs } from "../limits.ts";
import type { NodeView } from "../fleet/port.ts";

/** The body of `GET /health`: how many nodes are ready for each model. Which they are is told to operators. */
export const Health = z.strictObject({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  backends: z.record(z.string(), z.int().min(0)),
});
export type Health = z.infer<typeof Health>;

/**
 * Reads the fleet's health. Healthy: every model has a ready node. Unhealthy: none has. A node without any heartbeat is
 * not ready.
 */
export function readHealth(views: readonly NodeView[], models: readonly ModelRecord[]): Health {
  const isReady = (view: NodeView) =>
    view.state === "ready" &&
    view.breaker !== "open" &&
    view.heartbeatAgeMs !== null &&
    view.heartbeatAgeMs < heartbeatStaleMs;
  const ready = views.filter(isReady).map((view) => view.record);
  const backends = Object.fromEntries(
    models.map((model) => [
      model.aliases[0] ?? model.id,
      ready.filter((node) => node.models.includes(model.id)).length,
    ]),
  );
  const served = Object.values(backends).filter((nodes) => nodes > 0).length;
  if (served === models.length) return { status: "healthy", backends };
  return { status: served > 0 ? "degraded" : "unhealthy", backends };
}
