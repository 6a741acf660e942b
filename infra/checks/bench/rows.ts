import type { MeasureRows } from "./bench-plan.ts";
import { measureAgent } from "./rows/agent.ts";
import { measureBundle } from "./rows/isolate/bundle.ts";
import { measureCounts } from "./rows/counts.ts";
import { measureJson } from "./rows/json.ts";
import { measureLedger } from "./rows/ledger.ts";
import { measureRevocation } from "./rows/leases/revocation.ts";
import { measureTwoEdges } from "./rows/leases/two-edges.ts";
import { measureManyOrgs } from "./rows/many-orgs.ts";
import { measureMemory } from "./rows/isolate/memory.ts";
import { measureNeighbours } from "./rows/neighbours.ts";
import { measureRefusals } from "./rows/refusals.ts";
import { measureStores } from "./rows/stores.ts";
import { measureDoors } from "./rows/streams/doors.ts";
import { measureStreams } from "./rows/streams/streams.ts";
import { measureWorkerLoop } from "./rows/worker-loop.ts";

/** Rows by the name that `--only` takes. Many orgs come last: ten thousand ledgers stay in the process. */
export const rows: Record<string, MeasureRows> = {
  json: measureJson,
  streams: measureStreams,
  doors: measureDoors,
  counts: measureCounts,
  ledger: measureLedger,
  stores: measureStores,
  refusals: measureRefusals,
  edges: measureTwoEdges,
  revoke: measureRevocation,
  neighbours: measureNeighbours,
  workers: measureWorkerLoop,
  agent: measureAgent,
  bundle: measureBundle,
  memory: measureMemory,
  orgs: measureManyOrgs,
};
