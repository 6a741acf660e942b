import { endpointPaths } from "#edge/agreements/paths.ts";
import { writeForeignBody } from "../../load/answers.ts";
import type { Bench } from "../../bench-plan.ts";
import type { LoadFigures } from "../../load/load.ts";
import { explainUncounted, formatNumber, makeRow, type BenchRow } from "../../row.ts";
import { takeRounds, type Rounds } from "../../rounds.ts";
import { checkSettled } from "../../side.ts";
import { median } from "../../stats.ts";
import { makeStreamLoad } from "./streams.ts";

type Door = "chat" | "messages" | "responses";

/**
 * Streams of one busy key by the doors of other protocols: CPU of the edge against the same by chat. The edge reads
 * what was asked, and pipes what is answered; that is written at the agent, whose row tells what it costs there.
 */
export async function measureDoors({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  let calls = 0;
  let seed = 1;
  const run = async (door: Door, ms: number): Promise<LoadFigures> => {
    const chat = makeStreamLoad(stage.ports.edge, [caller.text]);
    const own = door === "chat" ? {} : { path: endpointPaths[door].edge, body: writeForeignBody(door) };
    const report = await stage.load({ ...chat, ...own, ms, seed: seed++ });
    calls += report.calls;
    await stage.quiet();
    return report;
  };
  const variant = (door: Door) => ({ warm: () => run(door, plan.warmMs), run: () => run(door, 2 * plan.windowMs) });
  const rounds: Rounds<Door, LoadFigures> = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { chat: variant("chat"), messages: variant("messages"), responses: variant("responses") },
  );
  await checkSettled(stage, [caller], calls);
  const listCpuMs = (door: Door) => rounds.taken.map((round) => round[door].cpuMs / round[door].outcome.calls);
  const chat = listCpuMs("chat");
  const figures = {
    chatCpuMs: median(chat),
    messagesCpuMs: median(listCpuMs("messages")),
    responsesCpuMs: median(listCpuMs("responses")),
  };
  return (["messages", "responses"] as const).map((door) =>
    makeRow(
      `streams by ${door}, hot key: CPU of the edge, against chat`,
      { bound: "at most", value: 1.1, unit: "×" },
      listCpuMs(door).map((ms, at) => ms / (chat[at] ?? Number.NaN)),
      {
        note: `${formatNumber(figures[`${door}CpuMs`])} ms a stream against ${formatNumber(figures.chatCpuMs)} ms`,
        figures,
        explainUncounted: explainUncounted(rounds, isSmoke),
      },
    ),
  );
}
