import type { AgentConfig } from "../config.ts";
import type { EnginePool } from "../engines/pool.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { TrafficProfiles } from "../usage/traffic-profiles.ts";
import type { UsageSender } from "../usage/usage-sender.ts";

/** Everything an admitted call uses on its way. */
export interface Rooms {
  config: AgentConfig;
  pool: EnginePool;
  sender: UsageSender;
  profiles: TrafficProfiles;
  metrics: Metrics;
  log: Log;
  now(): number;
  isDraining(): boolean;
  /** One controller for each call in flight: the stopping agent aborts them with an Ending. */
  live: Set<AbortController>;
}
