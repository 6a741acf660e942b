import { memoryLedger } from "#edge/adapters/memory/ledger.ts";
import type { UsageRow } from "#edge/ledger/port.ts";
import { ledgerContract } from "#test/contracts/ledger/ledger-contract.ts";
import { freshOrg } from "#test/contracts/ledger/ledger-fixtures.ts";
import { testClock } from "#test/support/fakes/clock.ts";

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
