import { DurableObject } from "cloudflare:workers";
import { isLater, type Heartbeat } from "../../../agreements/records/node.ts";

/** A heartbeat and when the edge heard it: ages are counted by our clock, not the node's. */
export interface HeardHeartbeat {
  heartbeat: Heartbeat;
  heardAtMs: number;
}

/** The last heartbeat of each node. In memory only: after a restart the nodes report again within seconds. */
export class FleetObject extends DurableObject {
  readonly #heard = new Map<string, HeardHeartbeat>();

  /** Takes a heartbeat unless a later one of the same boot, or one of a later boot, has been heard. */
  report(report: HeardHeartbeat): void {
    const { node } = report.heartbeat;
    const last = this.#heard.get(node);
    if (!last || isLater(report.heartbeat, last.heartbeat)) this.#heard.set(node, report);
  }

  heard(): HeardHeartbeat[] {
    return [...this.#heard.values()];
  }
}
