import type { Env } from "#edge/env.ts";
import door from "#edge/worker.ts";
import { wrapEnv, takeCounts } from "./counting.ts";
import { delayEnv, type FarEnv } from "./far.ts";
import { serveProbe } from "./probe.ts";
import { relayEnv, type SecondEnv } from "./relay.ts";

export { FleetObject, OrgLedger } from "#edge/worker.ts";
export { Relay } from "./relay.ts";

/** What the bench measures: the edge's own door, as it is. */
export default door;

/**
 * The same door with each use of the ledgers, the fleet and D1 counted; on a socket of its own, so that counting costs
 * the measured one nothing.
 */
export const counted: ExportedHandler<Env> = {
  fetch: (request, env, context) => door.fetch(request, wrapEnv(env), context),
};

/** The same door, `LEDGER_DISTANCE_MS` away from every ledger. */
export const far: ExportedHandler<FarEnv> = {
  fetch: (request, env, context) => door.fetch(request, delayEnv(env), context),
};

/** The same door in a process of its own, whose ledgers are those of another. */
export const second: ExportedHandler<SecondEnv> = {
  fetch: (request, env, context) => door.fetch(request, relayEnv(env), context),
};

/** The bench's own probe, behind the door: publishes orgs, looks into ledgers, drives one directly. */
export const probe: ExportedHandler<Env> = {
  fetch: (request, env) => serveProbe(request, env, takeCounts),
};
