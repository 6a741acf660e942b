import type { Bench } from "../bench-plan.ts";
import { plain, rowOf, whyNot, type Row } from "../row.ts";
import { takeRounds } from "../rounds.ts";
import { BrokenError, checkSettled } from "../stage.ts";
import { median } from "../stats.ts";

const atOnce = 16;

/** One org's ledger alone: reservations and settlements, each pair durable, through a worker that calls the object directly. */
export async function ledgerRow({ stage, plan, isSmoke }: Bench): Promise<Row[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  const { org, key, digests } = caller;
  const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  const sizes = { promptTokens: 300, completionTokens: 100, choices: 1, mayClamp: false, ttlMs: 930_000, idempotency: null };
  const ask = { org, key, digests, ip: null, endpoint: "chat.completions", model: "Qwen/Qwen2.5-7B-Instruct", tier: "shared", price, ...sizes } as const;
  let done = 0;
  const drive = async (pairs: number) => {
    const { settled } = await stage.desk("/pairs", { ask: { ...ask, digests: [...ask.digests] }, pairs, atOnce });
    if (settled !== pairs) throw new BrokenError(`of ${pairs} pairs ${settled} were settled`);
    done += pairs;
    return pairs;
  };
  const pairs = Math.round(plan.windowMs);
  const rounds = await takeRounds({ ...plan, pid: stage.workerdPid }, { ledger: { warm: () => drive(Math.round(pairs / 4)), run: () => drive(pairs) } });
  await checkSettled(stage, [caller], done);
  const rates = rounds.taken.map(({ ledger }) => (ledger.outcome / ledger.wallMs) * 1_000);
  const figures = { pairCpuMicros: median(rounds.taken.map(({ ledger }) => (ledger.cpuMs / ledger.outcome) * 1_000)) };
  const note = `${plain(figures.pairCpuMicros)} µs of CPU a pair, ${atOnce} at once; the rest is waiting for the disk`;
  return [rowOf("one org's ledger: admit + settle", { bound: "at least", value: 1_000, unit: "pairs/s" }, rates, note, figures, whyNot(rounds, isSmoke))];
}
