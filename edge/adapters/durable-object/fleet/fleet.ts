import type { NodeRecord } from "../../../agreements/records/node.ts";
import { openDirectory } from "../../../fleet/directory.ts";
import type { Fleet, HeardHeartbeat } from "../../../fleet/port.ts";
import { fleetWaitMsMax } from "../../../limits.ts";
import { within } from "../../within.ts";
import type { FleetObject } from "./fleet-object.ts";

/**
 * The fleet as configured, kept fresh by the answers of the nodes themselves and, once a second at most, by the one
 * Fleet object. `refresh` and `report` reject when the object is out of reach or slow.
 */
export function durableObjectFleet(
  namespace: DurableObjectNamespace<FleetObject>,
  nodes: readonly NodeRecord[],
): Fleet {
  const { hear, claimRead, ...directory } = openDirectory(nodes);
  const object = () => namespace.get(namespace.idFromName("fleet"));
  const read = async () => {
    const reports = await within<HeardHeartbeat[]>(fleetWaitMsMax, "fleet", object().heard());
    for (const report of reports) hear(report);
  };
  return {
    ...directory,
    refresh: (nowMs) => (claimRead(nowMs) ? read() : null),
    async report(heartbeat, nowMs) {
      const report = { heartbeat, heardAtMs: nowMs };
      await within(fleetWaitMsMax, "fleet", object().report(report));
      hear(report);
    },
  };
}
