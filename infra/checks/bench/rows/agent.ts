import { createPrivateKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { openJwsSigner } from "#edge/agreements/tokens/jws.ts";
import { startChild, type Child } from "#infra/local/child.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { callBody, tokensOf } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import { makeCaller } from "../load/callers.ts";
import { pin } from "../cpu.ts";
import type { LoadReport } from "../load/load.ts";
import { plain, rowOf, whyNot, type Row } from "../row.ts";
import { takeRounds, type Rounds } from "../rounds.ts";
import { freshClaims } from "../load/settle.ts";
import { folderOf, type Stage } from "../stage.ts";
import { median } from "../stats.ts";
import { openLoad } from "./streams.ts";

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
export async function agentRows(bench: Bench): Promise<Row[]> {
  const { stage, plan, isSmoke } = bench;
  const agent = await startAgent(stage);
  const pipe = await startChild(
    "pipe",
    [join(root, "infra/checks/bench/servers/pipe.ts"), String(stage.ports.origin)],
    () => undefined,
  );
  pin(pipe.pid, 0);
  try {
    const portOf = (url: unknown) => Number(new URL(String(url)).port);
    let seed = 1;
    // Tokens are made before a window, and none for the engine itself: it would take their holds for some to settle.
    const variant = (port: number, keysFor: (ms: number) => string[], pid: number) => {
      let keys: string[] = [];
      const run = (ms: number, seed: number) => stage.load({ ...openLoad(port, keys), ms, seed, bytes: null });
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
      agent: variant(portOf(agent.ready["url"]), (ms) => hopTokens(stage, org, ms), agent.pid),
    };
    if (!isSmoke) for (const { warm } of [variants.pipe, variants.agent]) await warm(heatMs);
    return rowsOf(await takeRounds({ ...plan, pid: agent.pid }, variants), isSmoke);
  } finally {
    await Promise.all([agent.stop(), pipe.stop()]);
  }
}

function rowsOf(rounds: Rounds<"direct" | "pipe" | "agent", LoadReport>, isSmoke: boolean): Row[] {
  const cpuMs = (name: "pipe" | "agent") =>
    rounds.taken.map((round) => (round[name].cpuMs / (round[name].outcome.calls * tokensOf)) * 1_000);
  const of = (name: "direct" | "agent", value: (report: LoadReport) => number) =>
    median(rounds.taken.map((round) => value(round[name].outcome)));
  const [cpu, pipeCpu] = [cpuMs("agent"), cpuMs("pipe")];
  const added = rounds.taken.map((round) => round.agent.outcome.gapP50Ms - round.direct.outcome.gapP50Ms);
  const figures = {
    pipeCpuMs: median(pipeCpu),
    agentToPipe: median(cpu.map((ms, at) => ms / (pipeCpu[at] ?? Number.NaN))),
    agentGapMs: of("agent", ({ gapP50Ms }) => gapP50Ms),
    directGapMs: of("direct", ({ gapP50Ms }) => gapP50Ms),
    agentFirstMs: of("agent", ({ p50Ms }) => p50Ms),
    directFirstMs: of("direct", ({ p50Ms }) => p50Ms),
  };
  const reason = whyNot(rounds, isSmoke);
  const cpuNote =
    `${plain(figures.agentToPipe)} × a bare pipe proxy's ${plain(figures.pipeCpuMs)} ms; first event after ` +
    `${plain(figures.agentFirstMs)} ms, engine alone ${plain(figures.directFirstMs)} ms`;
  const gapNote = `between tokens ${plain(figures.agentGapMs)} ms, engine alone ${plain(figures.directGapMs)} ms`;
  return [
    rowOf("agent: CPU for 1,000 streamed tokens", { bound: "at most", value: 30, unit: "ms" }, cpu, {
      note: cpuNote,
      figures,
      whyNot: reason,
    }),
    rowOf("agent: inter-token latency added p50", { bound: "at most", value: 0.2, unit: "ms" }, added, {
      note: gapNote,
      figures,
      whyNot: reason,
    }),
  ];
}

/**
 * The agent as a node runs it, on the edge's core; its usage goes to the edge, which has never heard of these holds and
 * says so.
 */
async function startAgent(stage: Stage): Promise<Child> {
  const folder = folderOf(stage, "agent");
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
function hopTokens(stage: Stage, org: HopClaims["org"], ms: number): string[] {
  const { kid, ...jwk } = stage.secrets.hopKey;
  const sign = openJwsSigner(kid, createPrivateKey({ key: jwk, format: "jwk" }));
  const body = callBody(true);
  const terms = {
    org,
    attempt: 1,
    endpoint: "chat.completions",
    model,
    tier: "complex",
    tokensHeld: 400,
    completionTokensMax: tokensOf,
    isDefaultMax: false,
  } as const;
  const count = Math.ceil(ms / 10) + 30;
  return Array.from({ length: count }, (_, index) => {
    const hold: HopClaims["hold"] = `hold_${String(index).padStart(22, "0")}`;
    const claims: HopClaims = {
      iss: "penstock-edge",
      aud: node,
      ...freshClaims(body),
      ...terms,
      hold,
      deadlineMs: Date.now() + 60_000,
    };
    return sign(claims);
  });
}
