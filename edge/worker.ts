import { openDoor } from "./app.ts";

export { FleetObject } from "./adapters/durable-object/fleet-object.ts";
export { OrgLedger } from "./adapters/durable-object/ledger-object.ts";

const door = openDoor();

export default { fetch: door.fetch };
