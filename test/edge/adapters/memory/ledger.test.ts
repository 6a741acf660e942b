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
    let waitedMs = 0;
    const wait = async (ms: number) => void (waitedMs += ms);
    const ledger = memoryLedger({ now: clock.now, wait, onUsage: (row) => rows.push(row) });
    const restart = async () => undefined;
    return { ledger, clock, org: freshOrg(), restart, usage: async () => rows, waited: () => waitedMs };
  },
  { numRuns: 400, maxCommands: 80 },
);
