import { usageBatchMax } from "#edge/limits.ts";
import { redisMissing } from "#infra/local/redis/redis-server.ts";
import type { Bench } from "../bench-plan.ts";
import { makeReservation } from "../load/callers.ts";
import { readCpuMs } from "../cpu.ts";
import { formatNumber, makeRow, explainUncounted, type Goal, type BenchRow } from "../row.ts";
import { takeRounds, type Variant, type Window } from "../rounds.ts";
import { BrokenError, type RedisSide, type Side } from "../side.ts";
import { median } from "../stats.ts";
import { measureRedisRequests } from "./redis-requests.ts";

/** `{"hold":"hold_…"}` */
const holdBytes = 38;
const pairsAtOnce = 16;
/**
 * This share of the pairs may be refused because Redis did not answer in time: other programs on the machine delay it.
 */
const refusedShareMax = 0.05;
/** A process that is busier than this is what delayed the others. */
const boundAbove = 0.9;

/**
 * The stores compared: objects on disk; Redis that syncs each write before it acknowledges, which promises the same;
 * Redis as most people run it.
 */
const stores = ["objects", "always", "everysec"] as const;
type StoreColumn = (typeof stores)[number];
const titles: Record<StoreColumn, string> = {
  objects: "Durable Object",
  always: "Redis",
  everysec: "Redis, a sync a second",
};

/**
 * Both stores in one run: requests per call, the wait for an admission, and pairs of admission and settlement a second.
 */
export async function measureStores(bench: Bench): Promise<BenchRow[]> {
  const { redis } = bench.stage;
  if (redis)
    return [
      ...(await measureRedisRequests(bench, redis)),
      ...(await measureWaits(bench, redis)),
      ...(await measurePairs(bench, redis)),
    ];
  console.log(`  skipped: ${redisMissing}`);
  return [];
}

/** How long an admission takes when nothing else runs, beyond a request to the same probe that reaches no ledger. */
async function measureWaits(bench: Bench, redis: RedisSide): Promise<BenchRow[]> {
  const { stage, plan, isSmoke } = bench;
  const variant = async (
    side: Side,
    path: "/nothing" | "/admit",
    prepare = async () => {},
  ): Promise<Variant<number>> => {
    const [caller] = await side.publish(1);
    if (!caller) throw new RangeError("no caller");
    const body = JSON.stringify({ ask: makeReservation(caller) });
    const run = async (ms: number) => {
      const { calls, p50Ms } = await stage.load({
        kind: "closed",
        port: side.ports.probe,
        keys: ["bench"],
        path,
        body,
        connections: 1,
        ms,
        status: 200,
        bytes: holdBytes,
      });
      const { settled } = await side.probe("/settle-open", { org: caller.org });
      if (settled !== (path === "/admit" ? calls : 0))
        throw new BrokenError(`${calls} admissions left ${settled} holds`);
      return p50Ms;
    };
    return { warm: () => prepare().then(() => run(plan.warmMs)), run: () => run(plan.windowMs) };
  };
  const admits = await makeForEach(bench, redis, (side, prepare) => variant(side, "/admit", prepare));
  const { taken, isNoisy } = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { nothing: await variant(stage.straight, "/nothing"), ...admits },
  );
  const added = (round: (typeof taken)[number], store: StoreColumn) => round[store].outcome - round.nothing.outcome;
  const note =
    `one connection; over the ${formatNumber(median(taken.map(({ nothing }) => nothing.outcome)))} ms of a ` +
    "question that asks no ledger";
  const ratios = taken.map((round) => added(round, "always") / added(round, "objects"));
  return [
    ...stores.map((store) =>
      makeRow(
        `${titles[store]}: admission added p50`,
        compareIn("ms"),
        taken.map((round) => added(round, store)),
        { note },
      ),
    ),
    makeRow("admission added p50, Redis / Durable Object", { bound: "at most", value: 1.5, unit: "×" }, ratios, {
      note: "in the same round",
      explainUncounted: explainUncounted({ isNoisy }, isSmoke),
    }),
  ];
}

interface Pairs {
  settled: number;
  refused: number;
  /** CPU of Redis and its bridge. */
  redisMs: number;
}

/**
 * Reservations and settlements of one org by one driver for all: settled one by one, each acknowledged before its
 * worker's next; and in full batches.
 */
async function measurePairs(bench: Bench, redis: RedisSide): Promise<BenchRow[]> {
  const { stage, plan, isSmoke } = bench;
  const drive =
    (batch: number) =>
    (side: Side, prepare = async () => {}) =>
      makePairVariant(bench, redis, { side, prepare, batch });
  const { objects, always, everysec } = await makeForEach(bench, redis, drive(1));
  const full = await makeForEach(bench, redis, drive(usageBatchMax));
  const rounds = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { objects, always, everysec, objectsFull: full.objects, alwaysFull: full.always },
  );
  const row = (name: keyof (typeof rounds.taken)[number], title: string, bound: Goal) => {
    const windows = rounds.taken.map((round) => round[name]);
    const figures = measureShares(windows);
    const rates = windows.map(({ outcome, wallMs }) => (outcome.settled / wallMs) * 1_000);
    const { edgeMicros, redisMicros, edgeShare, redisShare } = figures;
    const ofRedis = name.startsWith("objects")
      ? ""
      : `; Redis and its bridge ${formatNumber(redisMicros)} µs, ${formatNumber(redisShare * 100)} %`;
    const refused = windows.reduce((sum, { outcome }) => sum + outcome.refused, 0);
    const note =
      `${pairsAtOnce} at once${refused > 0 ? `, ${refused} refused for want of an answer` : ""}; edge ` +
      `${formatNumber(edgeMicros)} µs of CPU a pair, ${formatNumber(edgeShare * 100)} % of its core${ofRedis}`;
    const isBridgeBound = redisShare > boundAbove && redisShare > edgeShare;
    return makeRow(title, bound, rates, {
      note,
      figures,
      explainUncounted:
        explainUncounted(rounds, isSmoke) ?? (isBridgeBound ? "Redis and its bridge were the bound" : null),
    });
  };
  const goal: Goal = { bound: "at least", value: 800, unit: "pairs/s" };
  const inBatches = `settled ${usageBatchMax} at a time`;
  return [
    row("objects", `${titles.objects}: admit + settle`, compareIn("pairs/s")),
    row("always", `${titles.always}: admit + settle`, goal),
    row("everysec", `${titles.everysec}: admit + settle`, goal),
    row("objectsFull", `${titles.objects}: … ${inBatches}`, compareIn("pairs/s")),
    row("alwaysFull", `${titles.always}: … ${inBatches}`, compareIn("pairs/s")),
  ];
}

async function makePairVariant(
  { plan }: Bench,
  redis: RedisSide,
  { side, prepare, batch }: { side: Side; prepare: () => Promise<void>; batch: number },
): Promise<Variant<Pairs>> {
  const [caller] = await side.publish(1);
  if (!caller) throw new RangeError("no caller");
  const total = { asked: 0, settled: 0 };
  const drive = async (pairs: number) => {
    const beforeMs = readCpuMs(redis.pid);
    const { settled, why } = await side.probe("/pairs", {
      ask: makeReservation(caller),
      pairs,
      atOnce: pairsAtOnce,
      batch,
    });
    const redisMs = readCpuMs(redis.pid) - beforeMs;
    total.asked += pairs;
    total.settled += settled;
    if (total.asked - total.settled > total.asked * refusedShareMax)
      throw new BrokenError(`of ${total.asked} pairs ${total.settled} were settled: ${why}`);
    const state = await side.probe("/inspect", { orgs: [caller.org] });
    // An admission or a settlement that was not answered in time may have been booked.
    const isRight = state.openHolds === 0 && state.settledCalls >= total.settled && state.settledCalls <= total.asked;
    if (!isRight)
      throw new BrokenError(
        `${total.settled} of ${total.asked} pairs were settled, the ledger says ${JSON.stringify(state)}`,
      );
    return { settled, refused: pairs - settled, redisMs };
  };
  const pairs = Math.round(plan.windowMs);
  return { warm: () => prepare().then(() => drive(Math.round(pairs / 4))), run: () => drive(pairs) };
}

function measureShares(windows: Window<Pairs>[]) {
  const pick = (value: (window: Window<Pairs>) => number) => median(windows.map(value));
  return {
    edgeMicros: pick(({ cpuMs, outcome }) => (cpuMs / outcome.settled) * 1_000),
    redisMicros: pick(({ outcome }) => (outcome.redisMs / outcome.settled) * 1_000),
    edgeShare: pick(({ cpuMs, wallMs }) => cpuMs / wallMs),
    redisShare: pick(({ outcome, wallMs }) => outcome.redisMs / wallMs),
  };
}

/**
 * The same over each store. `prepare` sets when Redis syncs; a smoke run never waits for the disk, whose speed is
 * unknown there.
 */
async function makeForEach<T>(
  { stage, isSmoke }: Bench,
  redis: RedisSide,
  make: (side: Side, prepare?: () => Promise<void>) => Promise<Variant<T>>,
): Promise<Record<StoreColumn, Variant<T>>> {
  return {
    // Without leases, as over Redis: what is measured is the store.
    objects: await make(stage.straight),
    always: await make(redis, () => redis.sync(isSmoke ? "everysec" : "always")),
    everysec: await make(redis, () => redis.sync("everysec")),
  };
}

function compareIn(unit: string): Goal {
  return { bound: "none", value: 0, unit };
}
