import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { makeModelRecords, probeEngine } from "#infra/local/engine/real-engine.ts";
import type { EngineSpec } from "#infra/local/stack.ts";
import { EngineClient } from "#test/contracts/engine/engine-client.ts";

/** A real engine that `npm run accept` has started: its address and the leader of its process group. */
export interface RealEngine {
  kind: "chat" | "embed" | "think";
  url: string;
  pid: number;
}

/**
 * What runs, told by infra/checks/accept/accept.ts: the engine of the shared node, that of the complex one, and perhaps
 * one for embeddings, and one that thinks.
 */
export function realEngines(): RealEngine[] {
  const told = process.env["PENSTOCK_ACCEPT_ENGINES"];
  if (told === undefined) throw new Error("run this suite with `npm run accept`: it starts the engines");
  return JSON.parse(told);
}

export const chatEngines = (): RealEngine[] => realEngines().filter(({ kind }) => kind === "chat");

/**
 * The engines and models of a stack over these engines, as `npm run dev -- --engine` makes them, each under its first
 * served name alone; what becomes of an engine with several names is a test of its own.
 */
export async function overEngines(engines: RealEngine[]): Promise<{ engines: EngineSpec[]; models: ModelRecord[] }> {
  const probed = await Promise.all(engines.map(({ url }) => probeEngine(url)));
  const first = probed[0]?.found.slice(0, 1) ?? [];
  const names = Object.fromEntries(first.map(({ name }) => [name, name]));
  return { engines: probed.map(({ engine }) => ({ ...engine, models: names })), models: makeModelRecords(first) };
}

/** The truth: what the engines themselves say they have read and made, summed over all of them. */
export async function workDone(engines: RealEngine[] = chatEngines()): Promise<{ prompt: number; generated: number }> {
  const clients = engines.map(({ url }) => new EngineClient(url));
  const sum = async (name: string) =>
    (await Promise.all(clients.map((client) => client.metric(name)))).reduce<number>(
      (total, value) => total + (value ?? 0),
      0,
    );
  return { prompt: await sum("vllm:prompt_tokens_total"), generated: await sum("vllm:generation_tokens_total") };
}

/** Waits until no engine runs or holds anything, and tells after how many ms. Throws after `msMax`. */
export async function untilIdle(msMax: number, engines: RealEngine[] = chatEngines()): Promise<number> {
  const startedAtMs = Date.now();
  await Promise.all(engines.map(({ url }) => new EngineClient(url).idle(msMax)));
  return Date.now() - startedAtMs;
}

/** Waits until some engine runs something. */
export async function untilBusy(msMax = 5_000): Promise<void> {
  for (const endMs = Date.now() + msMax; Date.now() < endMs; await sleep(10)) {
    const running = await Promise.all(
      chatEngines().map(({ url }) => new EngineClient(url).metric("vllm:num_requests_running")),
    );
    if (running.some((count) => (count ?? 0) > 0)) return;
  }
  throw new Error(`no engine has run anything in ${msMax} ms`);
}

/** Writes a measured figure into the report. */
export function note(figure: string, value: string | number): void {
  const file = process.env["PENSTOCK_ACCEPT_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify([figure, String(value)])}\n`);
}
