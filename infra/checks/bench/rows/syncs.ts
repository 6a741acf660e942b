import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import { formatNumber, makeRow, type BenchRow } from "../row.ts";
import { checkSettled, type Side } from "../side.ts";

/** How long `strace` is waited for until it has attached, in ms. */
const attachMsMax = 5_000;

/**
 * How often the disk is synced for a call of a busy key, its settlement included; beside it where each call asks its
 * ledger. Counted by `strace -c` on workerd in a pass of its own, since it slows down what it watches. A machine
 * without strace, or that forbids it, counts nothing.
 */
export async function measureSyncs(bench: Bench): Promise<BenchRow> {
  const { stage, isSmoke } = bench;
  const straight = await countSyncs(bench, stage.straight);
  const hot = await countSyncs(bench, stage);
  const isCounted = straight !== null && hot !== null;
  const reason = isCounted ? (isSmoke ? "smoke: the key is hardly hot" : null) : "strace is missing or forbidden";
  return makeRow(
    "hot key: syncs of the disk a call",
    { bound: "at most", value: 0.1, unit: "" },
    isCounted ? [hot.perCall] : [],
    {
      note: isCounted
        ? `fsync and fdatasync by strace, ${hot.calls} calls; straight ${formatNumber(straight.perCall)}`
        : "counted by strace -c",
      figures: isCounted ? { hot: hot.perCall, straight: straight.perCall, calls: hot.calls } : {},
      explainUncounted: reason,
    },
  );
}

async function countSyncs({ stage, plan }: Bench, side: Side): Promise<{ perCall: number; calls: number } | null> {
  const [caller] = await side.publish(1);
  if (!caller) throw new RangeError("no caller");
  const aim = { port: side.ports.edge, keys: [caller.text], path: "/v1/chat/completions", body: writeCallBody(false) };
  const load = async (ms: number) => {
    const { calls } = await stage.load({
      kind: "closed",
      ...aim,
      connections: 16,
      ms,
      status: 200,
      bytes: jsonAnswer.length,
    });
    await side.quiet();
    return calls;
  };
  const first = await load(plan.warmMs);
  const trace = await traceSyncs(stage.workerdPid);
  if (!trace) return null;
  const calls = await load(plan.windowMs);
  const syncs = await trace.end();
  await checkSettled(side, [caller], first + calls);
  return syncs === null ? null : { perCall: syncs / calls, calls };
}

/** Attaches to a process with all its threads. `end` detaches and tells how often the disk was synced. */
async function traceSyncs(pid: number): Promise<{ end(): Promise<number | null> } | null> {
  const args = ["-c", "-f", "-U", "calls,name", "-e", "trace=fsync,fdatasync", "-p", String(pid)];
  const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  strace.stderr.setEncoding("utf8").on("data", (quote: string) => (text += quote));
  const gone = new Promise<number | null>((resolve) => {
    strace.once("error", () => resolve(null));
    strace.once("exit", resolve);
  });
  const isThere = () => text.includes("attached");
  for (let ms = 0; !isThere() && ms < attachMsMax && strace.exitCode === null; ms += 20)
    if ((await Promise.race([gone, sleep(20, "waiting")])) !== "waiting") break;
  if (!isThere()) {
    strace.kill("SIGKILL");
    return null;
  }
  return {
    async end() {
      strace.kill("SIGINT");
      await gone;
      const rows = [...text.matchAll(/^\s*(\d+)\s+(?:fsync|fdatasync)\s*$/gm)];
      return rows.reduce((sum, [, calls]) => sum + Number(calls), 0);
    },
  };
}
