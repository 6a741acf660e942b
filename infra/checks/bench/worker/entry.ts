import type { Env } from "#edge/env.ts";
import door from "#edge/worker.ts";
import { wrapEnv, takeCounts } from "./counting.ts";
import { serveProbe } from "./probe.ts";

export { FleetObject, OrgLedger } from "#edge/worker.ts";

/** What the bench measures: the edge's own door, as it is. */
export default door;

/**
 * The same door with each use of the ledgers, the fleet and D1 counted; on a socket of its own, so that counting costs
 * the measured one nothing.
 */
export const counted: ExportedHandler<Env> = {
  fetch: (request, env, context) => door.fetch(request, wrapEnv(env), context),
};

/** The bench's own probe, behind the door: publishes orgs, looks into ledgers, drives one directly. */
export const probe: ExportedHandler<Env> = {
  fetch: (request, env) => serveProbe(request, env, takeCounts),
};
