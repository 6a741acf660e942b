import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { ensurePortal } from "../portal/build-portal.ts";
import { startChild } from "./child.ts";
import { openDemoOrgs, type DemoOrgs } from "./demo-orgs/demo-orgs.ts";
import { openMailbox, type Mailbox } from "./demo-orgs/mailbox.ts";
import { openDemo, type Demo } from "./demo.ts";
import { startGguf, type GgufEngine } from "./engine/gguf.ts";
import { releaseStack, takeStack } from "./one-stack.ts";
import { watchParent } from "./parent.ts";
import { makeModelRecords, probeEngine } from "./engine/real-engine.ts";
import { defaultModels, root, startStack, type Stack, type StackOptions } from "./stack.ts";
import { writeWelcome } from "./welcome.ts";

/** Includes the time in which a lost parent is noticed, within two seconds. */
const stopMsMax = 1_700;

const usage = `npm run dev -- [options]

  --port N       the edge's port (8787)
  --state DIR    where state is kept (.penstock); it survives restarts
  --fresh        forget all state first
  --engine URL   a real engine instead of the simulator: vLLM, Ollama or any OpenAI-compatible server
  --gguf FILE    a GGUF model served on this machine by llama.cpp (npm install --no-save node-llama-cpp@3.22.1)
  --ledger NAME  who keeps the limits: durable-object (the default), or upstash,
                 a redis-server of this machine behind Upstash's REST
  --context N    the chat models' context in tokens (131,072), held by edge and simulator
  --demo         three orgs with people, keys, budgets and a past of 30 days, and calls that go on
  --days N       how long the demo's past is (30)
  --seed TEXT    another past
  --quiet        print the ready line only
  --help         show this
`;

function readFlags() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8787" },
      state: { type: "string", default: join(root, ".penstock") },
      fresh: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      ledger: { type: "string", default: "durable-object" },
      context: { type: "string" },
      engine: { type: "string" },
      gguf: { type: "string" },
      demo: { type: "boolean", default: false },
      days: { type: "string", default: "30" },
      seed: { type: "string", default: "penstock" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.engine && values.gguf) throw new Error("--engine and --gguf are two engines; give one");
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port must be a port number, not '${values.port}'`);
  if (values.context !== undefined && (values.engine || values.gguf))
    throw new Error("--context is for the simulator; an engine has a context of its own");
  if (values.demo && (values.engine || values.gguf))
    throw new Error("--demo calls models of every kind, which the simulator has");
  const days = Number(values.days);
  if (!Number.isInteger(days) || days < 1 || days > daysMax)
    throw new Error(`--days must be a number of days from 1 to ${daysMax}, not '${values.days}'`);
  const models = values.context === undefined ? defaultModels : resizeModels(readContext(values.context));
  return { ...values, ledger: readLedger(values.ledger), days, port, state: resolve(values.state), models };
}

/** D1 keeps the bill for 62 days. */
const daysMax = 60;
const contextTokensMin = 256;
const contextTokensMax = 1_048_576;

function readContext(text: string): number {
  const tokens = Number(text);
  if (!Number.isInteger(tokens) || tokens < contextTokensMin || tokens > contextTokensMax)
    throw new Error(
      `--context must be a number of tokens from ${contextTokensMin} to ${contextTokensMax}, not '${text}'`,
    );
  return tokens;
}

/** The default models with another context; those that do not generate keep their own. */
function resizeModels(contextTokens: number): ModelRecord[] {
  return defaultModels.map((model) =>
    !model.endpoints.includes("chat.completions")
      ? model
      : {
          ...model,
          contextTokensMax: contextTokens,
          completionTokensDefault: Math.min(model.completionTokensDefault, contextTokens),
        },
  );
}

function readLedger(name: string): "durable-object" | "upstash" {
  if (name === "durable-object" || name === "upstash") return name;
  throw new Error(`--ledger must be durable-object or upstash, not '${name}'`);
}

async function main(): Promise<void> {
  const flags = readFlags();
  if (flags.help) {
    process.stdout.write(usage);
    return;
  }
  if (flags.fresh)
    for (const part of ["edge", "redis", "secrets.json", "dev.json", "demo.json", "node_shared-1", "node_complex-1"])
      rmSync(join(flags.state, part), { recursive: true, force: true });
  await ensurePortal();
  takeStack(flags.state);
  const mailbox = openMailbox();
  const { log, openLog } = holdLog(flags.quiet, mailbox);
  const options: StackOptions = {
    port: flags.port,
    stateDir: flags.state,
    ledger: flags.ledger,
    models: flags.models,
    log,
  };
  const gguf = flags.gguf ? await startGguf(resolve(flags.gguf), (line) => log("llama.cpp", line)) : null;
  const given = gguf ?? (flags.engine ? await probeEngine(flags.engine) : null);
  if (given) Object.assign(options, { models: makeModelRecords(given.found), engines: [given.engine] });
  // A laptop may process a long prompt for minutes before the first token.
  if (gguf) options.agentLimits = { streamIdleMsMax: 600_000 };
  await startChild("reaper", [join(root, "infra/local/reaper.ts"), flags.state], () => undefined);
  const stack = await startStack(options);
  stopOnSignal(stack, gguf, flags.state);
  const demo = await openDemo(flags.state, stack.edge.url, stack.secrets.bootstrapToken);
  await waitUntilHealthy(stack.edge.url);
  const demoOrgs = flags.demo ? await startDemo(flags, stack, demo, mailbox) : null;
  ringEachMinute(stack);
  openLog();
  if (!flags.quiet) {
    const isUsual = flags.state === join(root, ".penstock");
    const models = options.models ?? flags.models;
    process.stdout.write(writeWelcome({ stack, demo, models, demoOrgs, stateDir: isUsual ? null : flags.state }));
  }
  const ready = {
    edge: demo.edge,
    org: demo.org,
    key: demo.key,
    adminKey: demo.adminKey,
    agents: stack.nodes.map(({ id, url, tier, agent }) => ({ id, url, tier, pid: agent.pid })),
  };
  process.stdout.write(`ready ${JSON.stringify(ready)}\n`);
}

/**
 * Every process is gone within two seconds of Ctrl-C, SIGTERM, the terminal's closing, or the death of whoever started
 * us (npm above all); a second signal does not wait.
 */
function stopOnSignal(stack: Stack, gguf: GgufEngine | null, stateDir: string): void {
  let isStopping = false;
  const stop = () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    const late = setTimeout(() => process.exit(1), stopMsMax);
    void stack
      .close()
      .then(() => gguf?.stop())
      .finally(() => {
        clearTimeout(late);
        releaseStack(stateDir);
        process.exit(0);
      });
  };
  watchParent(() => isStopping || stop());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Miniflare's own listener would exit at once, before agents have handed over their usage.
    process.removeAllListeners(signal);
    process.on(signal, stop);
  }
}

/**
 * What the parts of the stack log, on stderr; what they say before all is up is shown only if it never is. Mails are
 * the mailbox's as well.
 */
function holdLog(isQuiet: boolean, mailbox: Mailbox) {
  const print = (line: string) => void (isQuiet || process.stderr.write(line));
  const log = (source: string, line: string) => {
    mailbox.take(line);
    const whole = `${source.padEnd(14)} ${line}\n`;
    if (held) held.push(whole);
    else print(whole);
  };
  return { log, openLog: () => void (held = null) };
}
let held: string[] | null = [];

function startDemo(
  { state, days, seed, models }: ReturnType<typeof readFlags>,
  { edge }: Stack,
  { adminKey }: Demo,
  mailbox: Mailbox,
): Promise<DemoOrgs> {
  return openDemoOrgs({ stateDir: state, edge, adminKey, models, mailbox, days, seed });
}

/** As the platform does in production: chores of webhooks, the archive, signed heads of logs. */
function ringEachMinute({ edge }: Stack): void {
  const ring = () => void edge.ringCron().catch(() => undefined);
  setInterval(ring, 60_000).unref();
}

async function waitUntilHealthy(edge: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const response = await fetch(`${edge}/health`).catch(() => null);
    if (response?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`the nodes did not report to ${edge} within 30 s`);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isTaken = "code" in error && error.code === "EADDRINUSE";
  return isTaken ? `${error.message}: stop what listens there, or give another --port` : error.message;
}

try {
  await main();
} catch (error) {
  for (const line of held ?? []) process.stderr.write(line);
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}
