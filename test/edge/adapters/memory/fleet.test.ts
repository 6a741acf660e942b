import { memoryFleet } from "#edge/adapters/memory/fleet.ts";
import { Heartbeats } from "#edge/fleet/heartbeats.ts";
import { fleetContract } from "#test/contracts/fleet/fleet-contract.ts";

fleetContract("memory fleet", () => {
  const heartbeats = new Heartbeats();
  return (nodes) => memoryFleet(heartbeats, nodes);
});
