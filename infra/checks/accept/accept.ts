import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  findKept,
  folder,
  keepEngines,
  removeShared,
  setUp,
  findShared,
  startEngines,
  stopEngines,
  type RunningEngine,
} from "./engines.ts";
import { setUpGguf } from "./gguf.ts";
import { readFigures, readSuite, writeReport, type Suite } from "./report.ts";

const usage = `npm run accept -- [options]

Makes a Python environment and a tiny model on the first run (about 5 GB, some minutes), starts real vLLM servers on
this machine's CPU, compares what they read of a request with our tables of members, and what they say at their own
\`/v1/responses\` and \`/v1/messages\` with what we say there; runs the engine contract, the recordings and the main
journeys (edge, agents, vLLM) against them; then llama.cpp with a small GGUF model, where node-llama-cpp is installed.
Exit code 0 when every promise was kept.

  --only members|protocols|contract|journeys|gguf   one part only; gguf needs no vLLM
  --keep                     leave the servers running; the next run finds them, and stops them unless it
                             has --keep too. The journeys that kill a server are left out
  --no-embed                 without the server for embeddings
  --help
`;

/** What may be run alone. */
const parts = ["members", "protocols", "contract", "journeys", "gguf"];
const root = new URL("../../..", import.meta.url).pathname;
const results = join(folder, "results");
const figures = join(results, "figures.jsonl");
const keepers = new Set<number>();
let suite: ChildProcess | null = null;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      keep: { type: "boolean", default: false },
      "no-embed": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (values.only !== undefined && !parts.includes(values.only))
    throw new Error(`--only takes ${parts.join(", ")}, not '${values.only}'`);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const kinds = listKinds(values.only, values["no-embed"]);
  const engines = kinds.length === 0 ? [] : await openEngines(kinds, values.keep);
  const suites = [...listSuites(values.only, values.keep), ...(await openGguf(values.only))];
  const done: Suite[] = [];
  for (const name of suites) {
    const shared = name === "deaths" ? findShared(engines.filter(({ kind }) => kind === "chat")) : [];
    done.push(await runSuite(name, engines));
    removeShared(shared);
  }
  const [chat] = engines;
  process.stdout.write(
    writeReport({
      suites: done,
      figures: readFigures(figures),
      version: chat ? (versions.get(chat.url) ?? "unknown") : "none",
      engines,
    }),
  );
  if (values.keep) keepEngines(engines);
  return done.every((one) => one.isKept) ? 0 : 1;
}

const versions = new Map<string, string>();

function listSuites(only: string | undefined, isKept: boolean): string[] {
  const journeys = ["journeys", ...(isKept ? [] : ["deaths"])];
  if (only === "gguf") return [];
  if (only === "journeys") return journeys;
  return only === undefined ? ["members", "protocols", "contract", ...journeys] : [only];
}

const gguf = { model: "" };

/** The suite over llama.cpp, if it can run here. Throws when it was requested and cannot. */
async function openGguf(only: string | undefined): Promise<string[]> {
  if (only !== undefined && only !== "gguf") return [];
  const found = await setUpGguf();
  if ("model" in found) {
    gguf.model = found.model;
    return ["gguf"];
  }
  if (only === "gguf") throw new Error(found.missing);
  log(`without the suite gguf: ${found.missing}`);
  return [];
}

/** The servers that the parts need: two that chat, one that embeds, and to compare protocols one that thinks. */
function listKinds(only: string | undefined, isWithoutEmbed: boolean): RunningEngine["kind"][] {
  if (only === "gguf") return [];
  const wantsEmbed = only !== "protocols" && !isWithoutEmbed;
  const wantsThoughts = only === undefined || only === "protocols";
  return ["chat", "chat", ...(wantsEmbed ? ["embed" as const] : []), ...(wantsThoughts ? ["think" as const] : [])];
}

async function openEngines(kinds: RunningEngine["kind"][], isKept: boolean): Promise<RunningEngine[]> {
  await setUp();
  let engines = await findKept(kinds);
  if (engines.length === 0) {
    log("starting vLLM: about a minute each");
    engines = await startEngines(kinds, isKept, (keeper) => keepers.add(keeper));
  }
  for (const { keeper, url, kind, startedInS } of engines) {
    keepers.add(keeper);
    const { version }: { version: string } = JSON.parse(await (await fetch(`${url}/version`)).text());
    versions.set(url, version);
    log(`${kind.padEnd(6)} vLLM ${version} at ${url}, healthy after ${startedInS} s`);
  }
  return engines;
}

/** Runs one project of vitest.config.ts in a process group of its own, so that nothing of its stacks outlives it. */
async function runSuite(name: string, engines: RunningEngine[]): Promise<Suite> {
  log(`suite ${name}`);
  const output = join(results, `${name}.json`);
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--config",
      "infra/checks/accept/vitest.config.ts",
      "--project",
      name,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${output}`,
    ],
    {
      cwd: root,
      detached: true,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        PENSTOCK_ACCEPT_ENGINES: JSON.stringify(engines),
        PENSTOCK_ACCEPT_FIGURES: figures,
        PENSTOCK_ACCEPT_STACK_LOG: join(folder, "log/stack.log"),
        PENSTOCK_VLLM_URL: engines[0]?.url ?? "",
        PENSTOCK_ACCEPT_GGUF: gguf.model,
      },
    },
  );
  suite = child;
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  endGroup(child);
  suite = null;
  return readSuite(name, output, code);
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nothing was left of it.
  }
}

function log(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

async function stopAll(): Promise<void> {
  if (suite) endGroup(suite);
  await stopEngines([...keepers].map((keeper) => ({ keeper })));
}

let isStopping = false;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    process.stderr.write("stopping the servers\n");
    void stopAll().finally(() => process.exit(130));
  });
}

let code = 1;
try {
  code = await main();
} catch (error) {
  if (!isStopping) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
if (!isStopping) {
  if (!process.argv.includes("--keep")) await stopAll();
  process.exit(code);
}
