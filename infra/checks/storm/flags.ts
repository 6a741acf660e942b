import { parseArgs } from "node:util";
import type { PlanOptions, Store } from "./plan/plan.ts";

/** What `--help` prints. */
export const usage = `npm run storm -- [options]

  --seeds N       that many storms on each store, seeds N to 1 (20)
  --seed N        this one only
  --callers N     2,000; with --short 80
  --edges 1|2     by default the seed says
  --store NAME    durable-object, upstash (needs redis-server) or both (the default)
  --redis-wait MS how long Redis may take to answer a call: 250, with more than 500 callers 5,000
  --without 1,3   leaves faults out by number
  --short         three seeds with few callers, for a first look
  --attack        instead: one org tries to have the nodes to itself (attack/README.md)
  --seconds N     each attack is measured so long, with and without (15)
  --json          results as JSON lines
  --verbose       what every process logs, on stderr
  --help
`;

/** The command line, read. */
export interface StormFlags {
  storms: PlanOptions[];
  stores: Store[];
  redisWaitMs: number;
  /** Attacks instead of storms, and how long each is measured; else `null`. */
  attackSeconds: number | null;
  isJson: boolean;
  isVerbose: boolean;
  isHelp: boolean;
}

const seedsShort = 3;
const callersShort = 80;

/** Reads the command line. Throws a RangeError that says what was wrong. */
export function readFlags(args: string[]): StormFlags {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      seeds: text,
      seed: text,
      callers: text,
      edges: text,
      store: text,
      "redis-wait": text,
      without: text,
      short: flag,
      attack: flag,
      seconds: text,
      json: flag,
      verbose: flag,
      help: flag,
    },
  });
  const count =
    values.seeds === undefined ? (values.short ? seedsShort : 20) : readWhole("--seeds", values.seeds, 1, 10_000);
  const seeds =
    values.seed === undefined
      ? Array.from({ length: count }, (_, index) => count - index)
      : [readWhole("--seed", values.seed, 0, 2 ** 31 - 1)];
  const callers =
    values.callers === undefined
      ? values.short
        ? callersShort
        : 2_000
      : readWhole("--callers", values.callers, 1, 2_000);
  // A machine that also runs a thousand callers cannot answer within 250 ms, and would refuse nearly all of them.
  const redisWaitMs =
    values["redis-wait"] === undefined
      ? callers > 500
        ? 5_000
        : 250
      : readWhole("--redis-wait", values["redis-wait"], 10, 5_000);
  const stores = readStores(values.store ?? "both");
  const without = (values.without ?? "")
    .split(",")
    .filter(Boolean)
    .map((number) => readWhole("--without", number, 1, 99));
  const edges = values.edges === undefined ? null : readWhole("--edges", values.edges, 1, 2) === 1 ? 1 : 2;
  // Storms on one store and on the other take turns: what one leaves behind settles during the next. So the calm one,
  // seed 1, comes last.
  const storms = seeds.flatMap((seed) =>
    stores.map((store): PlanOptions => ({ seed, callers, store, edges, without })),
  );
  const attackSeconds = values.attack ? readWhole("--seconds", values.seconds ?? "15", 3, 600) : null;
  const { json: isJson, verbose: isVerbose, help: isHelp } = values;
  return { storms, stores, redisWaitMs, attackSeconds, isJson, isVerbose, isHelp };
}

function readStores(name: string): Store[] {
  if (name === "both") return ["durable-object", "upstash"];
  if (name === "durable-object" || name === "upstash") return [name];
  throw new RangeError(`--store must be durable-object, upstash or both, not '${name}'`);
}

function readWhole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${flag} must be a whole number from ${min} to ${max}, not '${text}'`);
  return value;
}
