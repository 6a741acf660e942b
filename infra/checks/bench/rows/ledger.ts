import type { Bench } from "../bench-plan.ts";
import { makeReservation } from "../load/callers.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds } from "../rounds.ts";
import { BrokenError, checkSettled } from "../side.ts";
import { median } from "../stats.ts";

const atOnce = 16;

/** One org's ledger alone: reservations and settlements, each pair durable, without the rest of the edge. */
export async function measureLedger({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  // Without leases: what is measured is the ledger.
  const { straight } = stage;
  const [caller] = await straight.publish(1);
  if (!caller) throw new RangeError("no caller");
  let done = 0;
  const drive = async (pairs: number) => {
    const { settled, why } = await straight.probe("/pairs", { ask: makeReservation(caller), pairs, atOnce, batch: 1 });
    if (settled !== pairs) throw new BrokenError(`of ${pairs} pairs ${settled} were settled: ${why}`);
    done += pairs;
    return pairs;
  };
  const pairs = Math.round(plan.windowMs);
  const rounds = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { ledger: { warm: () => drive(Math.round(pairs / 4)), run: () => drive(pairs) } },
  );
  await checkSettled(straight, [caller], done);
  const rates = rounds.taken.map(({ ledger }) => (ledger.outcome / ledger.wallMs) * 1_000);
  const figures = { pairCpuMicros: median(rounds.taken.map(({ ledger }) => (ledger.cpuMs / ledger.outcome) * 1_000)) };
  const note = `${formatNumber(figures.pairCpuMicros)} µs of CPU a pair, ${atOnce} at once; the disk takes the rest`;
  return [
    makeRow("one org's ledger: admit + settle", { bound: "at least", value: 1_000, unit: "pairs/s" }, rates, {
      note,
      figures,
      explainUncounted: explainUncounted(rounds, isSmoke),
    }),
  ];
}
