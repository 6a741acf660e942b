import { locateLedger } from "#edge/agreements/tokens/placement.ts";
import type { Bench } from "../bench-plan.ts";
import { jsonAnswer, writeCallBody } from "../load/answers.ts";
import type { Caller } from "../load/callers.ts";
import type { LoadFigures } from "../load/load.ts";
import { explainUncounted, formatNumber, makeRow, type BenchRow } from "../row.ts";
import { takeRounds, type Rounds } from "../rounds.ts";
import { checkSettled } from "../side.ts";
import { median } from "../stats.ts";
import { makeStreamLoad } from "./streams/streams.ts";

/** Among so many orgs two of one shard are as good as sure. */
const orgs = 64;
const stormConnections = 16;

type Where = "apart" | "together";

/**
 * What orgs of one shard share is time: the first events of an org whose neighbour calls without a pause, against the
 * same while that storm rages in another shard. Both on the straight road, where each call asks its ledger, and in the
 * same process: what the storm costs the edge itself is in both.
 */
export async function measureNeighbours({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const side = stage.straight;
  const { quiet, near, distant } = pickNeighbours(await side.publish(orgs));
  const calls = { quiet: 0, near: 0, distant: 0 };
  const aim = { port: side.ports.edge, path: "/v1/chat/completions", body: writeCallBody(false) };
  const right = { status: 200, bytes: jsonAnswer.length };
  let seed = 1;
  const run = async (where: Where, ms: number): Promise<LoadFigures> => {
    const name = where === "together" ? "near" : "distant";
    const { text } = { near, distant }[name];
    const [own, storm] = await Promise.all([
      stage.load({ ...makeStreamLoad(side.ports.edge, [quiet.text]), ms, seed: seed++ }),
      stage.load({ kind: "closed", ...aim, keys: [text], connections: stormConnections, ms, ...right }),
    ]);
    calls.quiet += own.calls;
    calls[name] += storm.calls;
    await side.quiet();
    return own;
  };
  const variant = (where: Where) => ({
    warm: () => run(where, plan.warmMs),
    run: () => run(where, 2 * plan.windowMs),
  });
  const rounds: Rounds<Where, LoadFigures> = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { apart: variant("apart"), together: variant("together") },
  );
  await checkSettled(side, [quiet, near, distant], calls.quiet + calls.near + calls.distant);

  const pick = (where: Where, part: "p50Ms" | "p99Ms") =>
    median(rounds.taken.map((round) => round[where].outcome[part]));
  const figures = {
    apartP50Ms: pick("apart", "p50Ms"),
    apartP99Ms: pick("apart", "p99Ms"),
    togetherP50Ms: pick("together", "p50Ms"),
    togetherP99Ms: pick("together", "p99Ms"),
  };
  const note =
    `${formatNumber(figures.togetherP99Ms)} ms against ${formatNumber(figures.apartP99Ms)} ms; p50 ` +
    `${formatNumber(figures.togetherP50Ms)} ms against ${formatNumber(figures.apartP50Ms)} ms`;
  return [
    makeRow(
      "a storm on a neighbour in the shard: first event p99, against one in another",
      { bound: "at most", value: 2, unit: "×" },
      rounds.taken.map(({ apart, together }) => together.outcome.p99Ms / apart.outcome.p99Ms),
      { note, figures, explainUncounted: explainUncounted(rounds, isSmoke) },
    ),
  ];
}

/** An org, one of its shard, and one of another. */
function pickNeighbours(callers: Caller[]): { quiet: Caller; near: Caller; distant: Caller } {
  const byShard = [...Map.groupBy(callers, ({ org }) => locateLedger(org).name).values()];
  const shared = byShard.find((some) => some.length > 1);
  const [distant] = byShard.find((some) => some !== shared) ?? [];
  const [quiet, near] = shared ?? [];
  if (!quiet || !near || !distant) throw new RangeError("no two orgs share a shard");
  return { quiet, near, distant };
}
