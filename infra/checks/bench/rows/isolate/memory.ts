import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { mintKey } from "#edge/agreements/tokens/key-format.ts";
import { bodyBytesMax } from "#edge/limits.ts";
import { floodTokens, jsonAnswer, writeCallBody } from "../../load/answers.ts";
import type { Bench } from "../../bench-plan.ts";
import { makeCaller, type Caller } from "../../load/callers.ts";
import { writePost } from "../../load/http-messages.ts";
import { formatNumber, makeRow, type BenchRow } from "../../row.ts";
import { openHeap, watchPeak } from "../../servers/heap.ts";
import { BrokenError } from "../../side.ts";
import { openStage, type Stage } from "../../stage.ts";

/** What the edge's isolate may take above its start, in MB, whatever its callers do: it has 128 in all. */
const mbMax = 96;
/** With ten thousand keys in use, which is no attack but a good day, half of what it has. */
const keysMbMax = 64;
const mb = 1_000_000;
const path = "/v1/chat/completions";

/** How many callers fill, and how long half-sent bodies are kept, and answers are not read. */
interface Size {
  many: number;
  stayMs: number;
}

/** One way to fill an isolate. */
interface Filling {
  name: string;
  run: (stage: Stage, size: Size) => Promise<void>;
  many: number;
  mbMax: number;
  /**
   * What counts. Bodies that are being read lie in workerd's own buffers, which V8 does not know: with their bounds
   * taken out the heap stayed as it was, and the process grew by a gigabyte. Keys are what an isolate remembers: of
   * them what is kept counts, and not the rubbish that V8 had no reason yet to collect.
   */
  by: "heap" | "kept heap" | "process";
}

const fillings: Filling[] = [
  { name: "half-sent bodies of 4 MiB", run: sendHalves, many: 200, mbMax, by: "process" },
  { name: "readers of streams that do not read", run: readNothing, many: 200, mbMax, by: "heap" },
  { name: "keys, each called", run: callWithMany, many: 10_000, mbMax: keysMbMax, by: "kept heap" },
];

/** An inspected workerd ends now and then by a check of its own; then the filling is tried again. */
const triesMax = 3;

/**
 * The most that the edge has in use while callers try to fill it, above what it has after a first call. It has a stage
 * of its own, whose V8 can be asked. A smoke only fills: nothing of it depends on the inspector.
 */
export async function measureMemory({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const filling of fillings) {
    if (isSmoke) await filling.run(stage, { many: 20, stayMs: 200 });
    else rows.push(await measureFilling(filling));
    const [row] = rows.slice(-1);
    if (row) plan.say(`  ${filling.name}: ${row.note}`);
  }
  return rows;
}

async function measureFilling(filling: Filling): Promise<BenchRow> {
  for (let tries = 1; ; tries++) {
    const stage = await openStage({ withRedis: false, withInspector: true });
    try {
      return await measureInspected(stage, filling);
    } catch (cause) {
      if (tries === triesMax)
        throw new BrokenError(`${filling.name}: ${String(cause)}\nworkerd said: ${stage.failure()}`);
    } finally {
      await stage.close();
    }
  }
}

async function measureInspected(stage: Stage, { name, run, many, mbMax, by }: Filling): Promise<BenchRow> {
  const heap = await openHeap(stage.inspectorPort ?? 0, "edge");
  const [first] = await stage.publish(1);
  await callAll(stage, [first?.text ?? ""], 1);
  await heap.collect();
  const start = await heap.readBytes();
  const residentStart = readResidentBytes(stage.workerdPid);
  const peak = await watchPeak(heap, () => run(stage, { many, stayMs: 4_000 }));
  const resident = readResidentBytes(stage.workerdPid);
  await heap.collect();
  const kept = await heap.readBytes();
  heap.close();
  const figures = {
    startMb: start / mb,
    heapMb: (peak - start) / mb,
    keptMb: (kept - start) / mb,
    processMb: (resident - residentStart) / mb,
  };
  const note =
    `heap ${formatNumber(figures.heapMb)} MB above its ${formatNumber(figures.startMb)} MB at the start, ` +
    `${formatNumber(figures.keptMb)} MB kept after; the process ${formatNumber(figures.processMb)} MB above`;
  const value = { heap: figures.heapMb, "kept heap": figures.keptMb, process: figures.processMb }[by];
  const goal = { bound: "at most", value: mbMax, unit: "MB" } as const;
  return makeRow(`memory: ${formatNumber(many)} ${name}, ${by} above the start`, goal, [value], { note, figures });
}

/** Each from an org of its own, and all but the last byte: no limit of one org helps. */
async function sendHalves(stage: Stage, { many, stayMs }: Size): Promise<void> {
  const callers = await stage.publish(many);
  const text = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "a".repeat(bodyBytesMax - 100) }] });
  const sockets = callers.map((caller) => sendRaw(stage, writePost(path, caller.text, text).subarray(0, -1)));
  await sleep(stayMs);
  for (const socket of sockets) socket.destroy();
}

async function readNothing(stage: Stage, { many, stayMs }: Size): Promise<void> {
  const callers = await stage.publish(many);
  const body = writeCallBody(true, floodTokens);
  const sockets = callers.map((caller) => sendRaw(stage, writePost(path, caller.text, body)));
  for (const socket of sockets) socket.pause();
  await sleep(stayMs);
  for (const socket of sockets) socket.destroy();
  await stage.quiet();
}

/** A thousand keys an org, which is as many as it may have. */
async function callWithMany(stage: Stage, { many }: Size): Promise<void> {
  const keys: string[] = [];
  while (keys.length < many) keys.push(...(await publishOrg(stage, Math.min(1_000, many - keys.length))));
  await callAll(stage, keys, Math.ceil(many * 1.05));
}

async function publishOrg(stage: Stage, many: number): Promise<string[]> {
  const owner = await makeCaller(stage.keyring);
  await stage.probe("/publish", { records: [owner.records[0]] });
  const made = await Promise.all(Array.from({ length: many }, () => makeKey(stage, owner)));
  await stage.probe("/publish", { records: made.map(({ record }) => record) });
  return made.map(({ text }) => text);
}

async function makeKey(
  stage: Stage,
  { org, records }: Caller,
): Promise<{ text: string; record: Caller["records"][1] }> {
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const { id, text, digest, pepperKid } = await mintKey("inference", org, stage.keyring, random);
  return { text, record: { ...records[1], id, digest, pepperKid } };
}

/** Calls with all keys in turn until there were so many calls. */
async function callAll(stage: Stage, keys: string[], calls: number): Promise<void> {
  const load = { kind: "closed", port: stage.ports.edge, path, body: writeCallBody(false), connections: 16 } as const;
  for (let made = 0; made < calls;)
    made += (await stage.load({ ...load, keys, ms: 500, status: 200, bytes: jsonAnswer.length })).calls;
  await stage.quiet();
}

function sendRaw(stage: Stage, bytes: Buffer): Socket {
  const socket = connect({ port: stage.ports.edge, host: "127.0.0.1" });
  socket.on("error", () => socket.destroy());
  socket.write(bytes);
  return socket;
}

/** What the process has of the machine's memory (man 5 proc: VmRSS). */
function readResidentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}
