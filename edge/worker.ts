import { openDoor } from "./app.ts";
import type { Env } from "./env.ts";
import { wire } from "./wiring.ts";

export { FleetObject } from "./adapters/durable-object/fleet/fleet-object.ts";
export { OrgLedger } from "./adapters/durable-object/ledger/ledger-object.ts";

const door = openDoor();

export default {
  fetch: door.fetch,
  scheduled: async (_: ScheduledController, env: Env) => (await wire(env)).chores(),
};
