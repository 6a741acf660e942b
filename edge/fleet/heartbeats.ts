import { isLater } from "../agreements/records/node.ts";
import type { HeardHeartbeat } from "./port.ts";

/** The last heartbeat of each node, whatever comes late. In memory only: nodes report again within seconds. */
export class Heartbeats {
  readonly #heard = new Map<string, HeardHeartbeat>();

  /** Takes a heartbeat unless a later one of the same boot, or one of a later boot, has been heard. */
  report(report: HeardHeartbeat): void {
    const { node } = report.heartbeat;
    const last = this.#heard.get(node);
    if (!last || isLater(report.heartbeat, last.heartbeat)) this.#heard.set(node, report);
  }

  /** The last of each node, in the order in which the nodes were first heard of. */
  heard(): HeardHeartbeat[] {
    return [...this.#heard.values()];
  }
}
