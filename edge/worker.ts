import { OrgLedger } from "./adapters/durable-object/ledger/ledger-object.ts";
import { openDoor } from "./app.ts";
import type { Env } from "./env.ts";
import { readClock } from "./visit.ts";
import { wire } from "./wiring.ts";

export { FleetObject } from "./adapters/durable-object/fleet/fleet-object.ts";

/** The ledger of an org as the platform starts it. */
class StartedLedger extends OrgLedger {
  constructor(ctx: DurableObjectState, env: { DB: D1Database }) {
    super(ctx, env, readClock);
  }
}

// The name by which wrangler.toml and the objects that exist know it.
export { StartedLedger as OrgLedger };

const door = openDoor();

export default {
  fetch: door.fetch,
  scheduled: async (_: ScheduledController, env: Env) => (await wire(env)).chores(),
};
