import { createPrivateKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { openJwsSigner } from "#edge/agreements/tokens/jws.ts";
import { startChild, type Child } from "#infra/local/child.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { writeCallBody, answerTokens } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import { makeCaller } from "../load/callers.ts";
import { pin } from "../cpu.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Rounds } from "../rounds.ts";
import { makeClaims } from "../load/settle.ts";
import { makeFolder, type Stage } from "../stage.ts";
import { median } from "../stats.ts";
import { makeStreamLoad } from "./streams.ts";

const node = "node_bench-complex";
const model = "Qwen/Qwen2.5-7B-Instruct";

/**
 * How long the agent and the pipe are loaded before anything counts, in ms: they run for weeks where they are used, and
 * V8 has compiled them by then.
 */
const heatMs = 4_000;

/**
 * The real agent between the engine (the bench's origin) and a caller: its CPU for a thousand streamed tokens, and what
 * it adds between tokens. How much CPU a read and a write of a socket cost is the machine's affair, so a bare `pipe`
 * proxy, which does nothing else, is measured in the same rounds.
 */
export async function measureAgent(bench: Bench): Promise<BenchRow[]> {
  const { stage, plan, isSmoke } = bench;
  const agent = await startAgent(stage);
  const pipe = await startChild(
    "pipe",
    [join(root, "infra/checks/bench/servers/pipe.ts"), String(stage.ports.origin)],
    () => undefined,
  );
  pin(pipe.pid, 0);
  try {
    const readPort = (url: unknown) => Number(new URL(String(url)).port);
    let seed = 1;
    // Tokens are made before a window, and none for the engine itself: it would take their holds for some to settle.
    const variant = (port: number, keysFor: (ms: number) => string[], pid: number) => {
      let keys: string[] = [];
      const run = (ms: number, seed: number) => stage.load({ ...makeStreamLoad(port, keys), ms, seed, bytes: null });
      const warm = async (ms = plan.warmMs) => {
        keys = keysFor(ms);
        await run(ms, 0);
        keys = keysFor(2 * plan.windowMs);
      };
      return { pid, warm, run: () => run(2 * plan.windowMs, seed++) };
    };
    const { org } = await makeCaller(stage.keyring);
    const none = () => ["none"];
    const variants = {
      direct: variant(stage.ports.origin, none, agent.pid),
      pipe: variant(Number(pipe.ready["port"]), none, pipe.pid),
      agent: variant(readPort(agent.ready["url"]), (ms) => makeHopTokens(stage, org, ms), agent.pid),
    };
    if (!isSmoke) for (const { warm } of [variants.pipe, variants.agent]) await warm(heatMs);
    return makeRows(await takeRounds({ ...plan, pid: agent.pid }, variants), isSmoke);
  } finally {
    await Promise.all([agent.stop(), pipe.stop()]);
  }
}

function makeRows(rounds: Rounds<"direct" | "pipe" | "agent", LoadFigures>, isSmoke: boolean): BenchRow[] {
  const listCpuMs = (name: "pipe" | "agent") =>
    rounds.taken.map((round) => (round[name].cpuMs / (round[name].outcome.calls * answerTokens)) * 1_000);
  const pick = (name: "direct" | "agent", value: (report: LoadFigures) => number) =>
    median(rounds.taken.map((round) => value(round[name].outcome)));
  const [cpu, pipeCpu] = [listCpuMs("agent"), listCpuMs("pipe")];
  const added = rounds.taken.map((round) => round.agent.outcome.gapP50Ms - round.direct.outcome.gapP50Ms);
  const figures = {
    pipeCpuMs: median(pipeCpu),
    agentToPipe: median(cpu.map((ms, at) => ms / (pipeCpu[at] ?? Number.NaN))),
    agentGapMs: pick("agent", ({ gapP50Ms }) => gapP50Ms),
    directGapMs: pick("direct", ({ gapP50Ms }) => gapP50Ms),
    agentFirstMs: pick("agent", ({ p50Ms }) => p50Ms),
    directFirstMs: pick("direct", ({ p50Ms }) => p50Ms),
  };
  const reason = explainUncounted(rounds, isSmoke);
  const cpuNote =
    `${formatNumber(figures.agentToPipe)} × a bare pipe proxy's ${formatNumber(figures.pipeCpuMs)} ms; ` +
    `first event after ${formatNumber(figures.agentFirstMs)} ms, ` +
    `engine alone ${formatNumber(figures.directFirstMs)} ms`;
  const gapNote =
    `between tokens ${formatNumber(figures.agentGapMs)} ms, ` + `engine alone ${formatNumber(figures.directGapMs)} ms`;
  return [
    makeRow("agent: CPU for 1,000 streamed tokens", { bound: "at most", value: 30, unit: "ms" }, cpu, {
      note: cpuNote,
      figures,
      explainUncounted: reason,
    }),
    makeRow("agent: inter-token latency added p50", { bound: "at most", value: 0.2, unit: "ms" }, added, {
      note: gapNote,
      figures,
      explainUncounted: reason,
    }),
  ];
}

/**
 * The agent as a node runs it, on the edge's core; its usage goes to the edge, which has never heard of these holds and
 * says so.
 */
async function startAgent(stage: Stage): Promise<Child> {
  const folder = makeFolder(stage, "agent");
  const { kty, crv, x, kid } = stage.secrets.hopKey;
  const config = {
    node,
    port: 0,
    edgeUrl: `http://127.0.0.1:${stage.ports.edge}`,
    hopPublicKeys: { [kid]: { kty, crv, x } },
    privateKey: stage.secrets.nodeKeys[node],
    cacheSaltSecret: stage.secrets.cacheSaltSecret,
    engines: [
      {
        kind: "vllm",
        url: `http://127.0.0.1:${stage.ports.origin}`,
        models: Object.fromEntries(defaultModels.map(({ id }) => [id, id])),
      },
    ],
    stateDir: join(folder, "state"),
    limits: { drainMsMax: 0, flushMsMax: 500 },
  };
  const file = join(folder, "agent.json");
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const agent = await startChild("agent", [join(root, "origin/agent.ts"), "--config", file], () => undefined);
  pin(agent.pid, 0);
  const readyz = `${String(agent.ready["url"])}/readyz`;
  for (let tries = 0; !(await fetch(readyz)).ok && tries < 200; tries++) await sleep(50);
  return agent;
}

/** A token for each stream that may arrive in `ms`, since the agent takes each once. */
function makeHopTokens(stage: Stage, org: HopClaims["org"], ms: number): string[] {
  const { kid, ...jwk } = stage.secrets.hopKey;
  const sign = openJwsSigner(kid, createPrivateKey({ key: jwk, format: "jwk" }));
  const body = writeCallBody(true);
  const terms = {
    org,
    attempt: 1,
    endpoint: "chat.completions",
    model,
    tier: "complex",
    tokensHeld: 400,
    completionTokensMax: answerTokens,
    isDefaultMax: false,
  } as const;
  const count = Math.ceil(ms / 10) + 30;
  return Array.from({ length: count }, (_, index) => {
    const hold: HopClaims["hold"] = `hold_${String(index).padStart(22, "0")}`;
    const claims: HopClaims = {
      iss: "penstock-edge",
      aud: node,
      ...makeClaims(body),
      ...terms,
      hold,
      deadlineMs: Date.now() + 60_000,
    };
    return sign(claims);
  });
}
