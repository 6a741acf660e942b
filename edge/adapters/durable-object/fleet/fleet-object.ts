import { DurableObject } from "cloudflare:workers";
import { Heartbeats } from "../../../fleet/heartbeats.ts";
import type { HeardHeartbeat } from "../../../fleet/port.ts";

/** The last heartbeat of each node. In memory only: after a restart the nodes report again within seconds. */
export class FleetObject extends DurableObject {
  readonly #heartbeats = new Heartbeats();

  /** Takes a heartbeat unless a later one has been heard. */
  report(report: HeardHeartbeat): void {
    this.#heartbeats.report(report);
  }

  heard(): HeardHeartbeat[] {
    return this.#heartbeats.heard();
  }
}
