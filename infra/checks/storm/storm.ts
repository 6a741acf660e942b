import { writeTable } from "#clients/cli/output/table.ts";
import { hasRedisServer, redisMissing } from "#infra/local/redis/redis-server.ts";
import { openArena, type Arena } from "./arena/arena.ts";
import { runAttacks } from "./attack/run-attacks.ts";
import { audit, type AuditResult } from "./audit/audit.ts";
import { startCrew, type Crew } from "./crew/crew.ts";
import { readFlags, usage, type StormFlags } from "./flags.ts";
import { makePlan } from "./plan/make-plan.ts";
import { describeFault, type PlanOptions, type Store } from "./plan/plan.ts";
import { runStorm } from "./run.ts";
import { writeReplayCommand, shrink } from "./shrink.ts";

/** A storm and its result. */
interface AuditedStorm {
  options: PlanOptions;
  faults: string[];
  edges: 1 | 2;
  ms: number;
  result: AuditResult;
}

const clientProcesses = 3;
const shrinkTriesMax = 6;
const violationsShown = 12;

const columns = [
  ["seed", "options.seed"],
  ["store", "options.store"],
  ["edges", "edges"],
  ["calls", "result.figures.calls"],
  ["answered", "result.figures.answered"],
  ["refused", "result.figures.refused"],
  ["failed", "result.figures.failed"],
  ["aborted", "result.figures.aborted"],
  ["rows", "result.figures.rows"],
  ["made", "result.figures.made"],
  ["billed", "result.figures.billed"],
  ["short", "result.figures.short"],
  ["most", "result.figures.shortMost"],
  ["s", "seconds"],
  ["wrong", "wrong"],
  ["faults", "faults"],
] as const;

async function main(): Promise<number> {
  const flags = readFlags(process.argv.slice(2));
  if (flags.isHelp) {
    process.stdout.write(usage);
    return 0;
  }
  const { attackSeconds: seconds, isJson, isVerbose } = flags;
  if (seconds !== null) return (await runAttacks({ seconds, isJson, isVerbose })) === 0 ? 0 : 1;
  if (flags.stores.includes("upstash") && !hasRedisServer())
    throw new Error(`${redisMissing}, or give --store durable-object`);
  const arenas = new Map<Store, Arena>();
  const crew = await startCrew(clientProcesses, (line) => process.stderr.write(`${line}\n`));
  try {
    for (const store of flags.stores) arenas.set(store, await openArena(store, flags.redisWaitMs, flags.isVerbose));
    return await rage(flags, arenas, crew);
  } finally {
    await Promise.all([crew.close(), ...Array.from(arenas.values(), (arena) => arena.close())]);
  }
}

/** Runs all storms, one after the other; each is audited once its calls have settled, while later ones run. */
async function rage(flags: StormFlags, arenas: ReadonlyMap<Store, Arena>, crew: Crew): Promise<number> {
  const startedAtMs = performance.now();
  const pending: Promise<AuditedStorm>[] = [];
  for (const options of flags.storms) {
    const { audited } = await runOn(arenas, crew, options);
    pending.push(audited);
    void audited.then(
      (one) => show(one, flags.isJson),
      () => undefined,
    );
  }
  const all = await Promise.all(pending);
  const failing = all.filter(({ result }) => result.violations.length > 0);
  if (!flags.isJson) {
    const rows = all.map((one) => ({
      ...one,
      faults: one.faults.join("; ") || "none",
      seconds: Math.round(one.ms / 100) / 10,
      wrong: one.result.violations.length,
    }));
    process.stdout.write(`\n${writeTable(columns, rows, "no storm")}\n\n`);
    process.stdout.write(
      `${all.length} storms in ${Math.round((performance.now() - startedAtMs) / 1_000)} s, ${failing.length} ` +
        "with violations\n",
    );
  }
  const [first] = failing;
  if (!first) return 0;
  const fails = async (options: PlanOptions) =>
    (await (await runOn(arenas, crew, options)).audited).result.violations.length > 0;
  process.stderr.write(`looking for a smaller storm that fails …\n`);
  process.stderr.write(`again: ${writeReplayCommand(await shrink(first.options, fails, shrinkTriesMax))}\n`);
  return 1;
}

/** Resolves when the storm is over; the result comes when everything has settled. */
async function runOn(
  arenas: ReadonlyMap<Store, Arena>,
  crew: Crew,
  options: PlanOptions,
): Promise<{ audited: Promise<AuditedStorm> }> {
  const arena = arenas.get(options.store);
  if (!arena) throw new RangeError(`no arena with ${options.store}`);
  const plan = makePlan(options);
  const run = await runStorm(arena, crew, plan);
  process.stderr.write(
    `seed ${options.seed} ${options.store}: ${run.outcomes.length} calls in ${Math.round(run.ms / 1_000)} ` +
      "s; it settles\n",
  );
  const audited = run.gather().then((evidence): AuditedStorm => ({
    options,
    faults: plan.faults.map(describeFault),
    edges: plan.edges,
    ms: run.ms,
    result: audit(evidence),
  }));
  // Awaited by the caller, but a storm later: until then a failure must not end the process.
  audited.catch(() => undefined);
  return { audited };
}

function show({ options, faults, result }: AuditedStorm, isJson: boolean): void {
  const { violations, figures } = result;
  if (isJson) return void process.stdout.write(`${JSON.stringify({ ...options, faults, figures, violations })}\n`);
  const isFine = violations.length === 0;
  const counts = Array.from(
    Map.groupBy(violations, ({ rule }) => rule),
    ([rule, those]) => `${those.length} ${rule}`,
  );
  process.stdout.write(
    `${isFine ? "ok   " : "WRONG"} seed ${options.seed} ${options.store} ` +
      `(${[...counts, faults.join("; ") || "no faults"].join(", ")})\n`,
  );
  for (const { rule, what } of violations.slice(0, violationsShown)) process.stdout.write(`      ${rule}: ${what}\n`);
  if (violations.length > violationsShown)
    process.stdout.write(`      … ${violations.length - violationsShown} more\n`);
  if (!isFine) process.stdout.write(`      again: ${writeReplayCommand(options)}\n`);
}

/** Ends the process with whatever still runs: its children end when it does (infra/local/leash.ts). */
function exit(code: number): void {
  process.stdout.write("", () => process.exit(code));
}

try {
  exit(await main());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  exit(1);
}
