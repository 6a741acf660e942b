import { answerTokens } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import { makeCaller } from "../load/callers.ts";
import { makeHopTokens } from "../load/hop-tokens.ts";
import type { LoadFigures, OpenLoad } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Rounds } from "../rounds.ts";
import { startAgent, startPipe } from "../servers/start-agent.ts";
import { median } from "../stats.ts";
import { makeStreamLoad } from "./streams/streams.ts";

/**
 * How long the agent and the pipe are loaded before anything counts, in ms: in production they run for weeks, and V8
 * has compiled them by then.
 */
const heatMs = 4_000;

/** The same stream, written for callers of another protocol: what ends it. */
const foreign = {
  messages: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  responses: "}\n\n",
} as const;
type Foreign = keyof typeof foreign;
type Variant = "direct" | "pipe" | "agent" | Foreign;

/**
 * The real agent between the engine (the bench's origin) and a caller: its CPU for a thousand streamed tokens, and what
 * it adds between tokens. The cost of reading and writing a socket depends on the machine, so a bare `pipe` proxy,
 * which does nothing else, is measured in the same rounds; and so are the same streams translated for other protocols.
 */
export async function measureAgent(bench: Bench): Promise<BenchRow[]> {
  const { stage, plan, isSmoke } = bench;
  const agent = await startAgent(stage);
  const pipe = await startPipe(stage);
  try {
    const readPort = (url: unknown) => Number(new URL(String(url)).port);
    let seed = 1;
    // Tokens are made before a window, and none for the engine itself: it would take their holds for some to settle.
    const variant = (port: number, keysFor: (ms: number) => string[], pid: number, over: Partial<OpenLoad> = {}) => {
      let keys: string[] = [];
      const run = (ms: number, seed: number) =>
        stage.load({ ...makeStreamLoad(port, keys), ms, seed, bytes: null, ...over });
      const warm = async (ms = plan.warmMs) => {
        keys = keysFor(ms);
        await run(ms, 0);
        keys = keysFor(2 * plan.windowMs);
      };
      return { pid, warm, run: () => run(2 * plan.windowMs, seed++) };
    };
    const { org } = await makeCaller(stage.keyring);
    const none = () => ["none"];
    const port = readPort(agent.ready["url"]);
    const translated = (endpoint: Foreign) =>
      variant(port, (ms) => makeHopTokens(stage, { org, endpoint }, ms), agent.pid, {
        events: null,
        tail: foreign[endpoint],
      });
    const variants = {
      direct: variant(stage.ports.origin, none, agent.pid),
      pipe: variant(Number(pipe.ready["port"]), none, pipe.pid),
      agent: variant(port, (ms) => makeHopTokens(stage, { org }, ms), agent.pid),
      messages: translated("messages"),
      responses: translated("responses"),
    };
    const { direct: _, ...ours } = variants;
    if (!isSmoke) for (const { warm } of Object.values(ours)) await warm(heatMs);
    return makeRows(await takeRounds({ ...plan, pid: agent.pid }, variants), isSmoke);
  } finally {
    await Promise.all([agent.stop(), pipe.stop()]);
  }
}

function makeRows(rounds: Rounds<Variant, LoadFigures>, isSmoke: boolean): BenchRow[] {
  const listCpuMs = (name: "pipe" | "agent" | Foreign) =>
    rounds.taken.map((round) => (round[name].cpuMs / (round[name].outcome.calls * answerTokens)) * 1_000);
  const pick = (name: "direct" | "agent", value: (report: LoadFigures) => number) =>
    median(rounds.taken.map((round) => value(round[name].outcome)));
  const [cpu, pipeCpu] = [listCpuMs("agent"), listCpuMs("pipe")];
  const added = rounds.taken.map((round) => round.agent.outcome.gapP50Ms - round.direct.outcome.gapP50Ms);
  const toChat = (name: Foreign) => listCpuMs(name).map((ms, at) => ms / (cpu[at] ?? Number.NaN));
  const writeForeign = (name: Foreign) =>
    makeRow(`… a stream of ${name}, against one of chat`, { bound: "at most", value: 1.6, unit: "×" }, toChat(name), {
      note: `${write(median(listCpuMs(name)))} for 1,000 streamed tokens against ${write(figures.agentCpuMs)}`,
      figures,
      explainUncounted: reason,
    });
  const toPipe = cpu.map((ms, at) => ms / (pipeCpu[at] ?? Number.NaN));
  const figures = {
    pipeCpuMs: median(pipeCpu),
    agentCpuMs: median(cpu),
    agentGapMs: pick("agent", ({ gapP50Ms }) => gapP50Ms),
    directGapMs: pick("direct", ({ gapP50Ms }) => gapP50Ms),
    agentFirstMs: pick("agent", ({ p50Ms }) => p50Ms),
    directFirstMs: pick("direct", ({ p50Ms }) => p50Ms),
  };
  const reason = explainUncounted(rounds, isSmoke);
  const write = (ms: number) => `${formatNumber(ms)} ms`;
  const cpuNote =
    `${write(figures.agentCpuMs)} for 1,000 streamed tokens against ${write(figures.pipeCpuMs)}; first event after ` +
    `${write(figures.agentFirstMs)}, engine alone ${write(figures.directFirstMs)}`;
  const gapNote = `between tokens ${write(figures.agentGapMs)}, engine alone ${write(figures.directGapMs)}`;
  return [
    makeRow("agent: CPU of streamed tokens, agent / pipe proxy", { bound: "at most", value: 1.15, unit: "×" }, toPipe, {
      note: cpuNote,
      figures,
      explainUncounted: reason,
    }),
    makeRow("agent: inter-token latency added p50", { bound: "at most", value: 0.2, unit: "ms" }, added, {
      note: gapNote,
      figures,
      explainUncounted: reason,
    }),
    writeForeign("messages"),
    writeForeign("responses"),
  ];
}
