import type { Env } from "../env.ts";
import type { Visit } from "../visit.ts";
import type { Wiring } from "../wiring.ts";

/** What Hono carries through the doors that it serves. */
export interface DoorEnv {
  Bindings: Env;
  Variables: { visit: Visit; wiring: Wiring };
}
