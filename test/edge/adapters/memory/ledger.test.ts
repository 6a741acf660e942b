import { memoryLedger } from "../../../../edge/adapters/memory/ledger.ts";
import type { UsageRow } from "../../../../edge/admission/port.ts";
import { ledgerContract } from "../../../contracts/ledger-contract.ts";
import { freshOrg } from "../../../contracts/ledger-fixtures.ts";
import { testClock } from "../../../support/clock.ts";

ledgerContract(
  "memory ledger",
  async (startMs) => {
    const clock = testClock(startMs);
    const rows: UsageRow[] = [];
    const ledger = memoryLedger({ now: clock.now, onUsage: (row) => rows.push(row) });
    return { ledger, clock, org: freshOrg(), restart: async () => undefined, usage: async () => rows };
  },
  { numRuns: 400, maxCommands: 80 },
);
