import { setTimeout as sleep } from "node:timers/promises";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { openFaultProxy } from "#infra/local/fault-proxy.ts";
import { defaultModels } from "#infra/local/stack.ts";
import type { OracleRecord, OracleReport } from "#infra/simulator/text/oracle.ts";
import { openOwnStack, untilHealthy, type OwnStack } from "#test/support/stack/stack.ts";
import type { BreakageSwitch, Stage } from "./caller.ts";
import type { Tokens } from "./books.ts";
import { sightModel, type Breakage } from "./way.ts";

const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
const sight: ModelRecord = {
  id: "house/sight",
  aliases: [sightModel],
  endpoints: ["chat.completions"],
  contextTokensMax: 8_192,
  completionTokensDefault: 512,
  mediaTokensMax: { image: 300 },
  ownedBy: "house",
  createdAtMs: 0,
  prices: { shared: price, complex: price },
};

/** A stage over simulators, which know what they put on the wire for each hold. */
export interface SimulatorStage extends Stage {
  models: ModelRecord[];
  /**
   * What engines put on the wire, by hold, of one hold or of all: on one node the sum, since a long list is asked for
   * in pieces; of a call that was tried on two the larger, part by part.
   */
  listMade(hold?: string): Promise<Map<string, Tokens>>;
  close(): Promise<void>;
}

/** Opens a stack whose every link can break. */
export async function openSimulatorStage(): Promise<SimulatorStage> {
  const hops: Awaited<ReturnType<typeof openFaultProxy>>[] = [];
  const models = [...defaultModels, sight];
  const own = await openOwnStack({
    models,
    simulatorArgs: ["--step-ms", "10", "--max-num-queued-reqs", "none", "--thinking-tokens", `${sight.id}=12`],
    // A second for the hold to outlive its deadline would race with a restarted agent's report: it may report five.
    vars: { HOLD_GRACE_MS: "5000" },
    via: async (url) => {
      const hop = await openFaultProxy(url);
      hops.push(hop);
      return hop.url;
    },
  });
  const { world } = own;
  return {
    world,
    models,
    listMade: async (hold) => groupMade(await readOracles(own, hold)),
    async untilSent(org, tokens) {
      for (const endMs = Date.now() + 20_000; Date.now() < endMs; await sleep(30)) {
        const [open] = (await world.ledger(org.id)).openHolds;
        if (!open) continue;
        const made = groupMade(await readOracles(own, open.hold)).get(open.hold);
        if (made && made.promptTokens > 0 && made.completionTokens >= tokens) return;
      }
      throw new Error(`the engine has not sent ${tokens} tokens`);
    },
    breakage: (kind) => breakages[kind](own, hops),
    async close() {
      await own.close();
      await Promise.all(hops.map((hop) => hop.close()));
    },
  };
}

/** A simulator that a fault has killed left its oracle in the log, as its last word. */
async function readOracles({ stack, logs }: OwnStack, hold?: string): Promise<OracleRecord[][]> {
  const reports = await Promise.all(
    stack.nodes.map(async ({ engineUrl }, at): Promise<OracleReport> => {
      const response = await fetch(`${engineUrl}/sim/oracle${hold === undefined ? "" : `?request=${hold}`}`).catch(
        () => null,
      );
      if (response) return JSON.parse(await response.text());
      const head = `engine-${at + 1} killed `;
      const word = logs.find((line) => line.startsWith(head));
      if (word === undefined) throw new Error(`engine ${at + 1} is gone without a word`);
      return JSON.parse(word.slice(head.length));
    }),
  );
  return reports.map(({ records }) => records.filter(({ requestId }) => hold === undefined || requestId === hold));
}

function groupMade(nodes: readonly OracleRecord[][]): Map<string, Tokens> {
  const made = new Map<string, Tokens>();
  for (const [hold, own] of nodes.flatMap((records) => [...sumByHold(records)])) {
    const known = made.get(hold) ?? { promptTokens: 0, completionTokens: 0 };
    made.set(hold, {
      promptTokens: Math.max(known.promptTokens, own.promptTokens),
      completionTokens: Math.max(known.completionTokens, own.completionTokens),
    });
  }
  return made;
}

function sumByHold(records: readonly OracleRecord[]): Map<string, Tokens> {
  const sums = new Map<string, Tokens>();
  for (const { requestId, promptTokens, emittedTokens } of records) {
    if (requestId === null) continue;
    const known = sums.get(requestId) ?? { promptTokens: 0, completionTokens: 0 };
    sums.set(requestId, {
      promptTokens: known.promptTokens + promptTokens,
      completionTokens: known.completionTokens + emittedTokens,
    });
  }
  return sums;
}

type Hops = readonly Awaited<ReturnType<typeof openFaultProxy>>[];

/** Arms a fault on the shared node's simulator, which calls reach first. */
const engineFault =
  (fault: (after: number) => Record<string, unknown>) =>
  ({ world }: OwnStack): BreakageSwitch => ({ arm: (after) => world.fault({ ...fault(after), times: 1 }, 0) });

const breakages: Record<Breakage, (own: OwnStack, hops: Hops) => BreakageSwitch> = {
  engineCuts: engineFault((after) => ({ kind: "cut", afterChunks: after })),
  // An event of a chat has some 400 bytes.
  engineBreaksAChunk: engineFault((after) => ({ kind: "cut", afterBytes: after * 400 + 77 })),
  engineErrs: engineFault((after) => ({ kind: "error-event", afterChunks: after })),
  engineDies: engineFault((after) => ({ kind: "kill", afterChunks: after })),
  hopCuts: (_, hops) => ({
    strike: async () => hops.forEach((hop) => hop.refuse(true)),
    mend: async () => hops.forEach((hop) => hop.refuse(false)),
  }),
  agentDies: ({ stack }) => ({
    strike: async () => stack.nodes[0]?.agent.kill("SIGKILL"),
    mend: async () => stack.nodes[0]?.restartAgent(),
  }),
  edgeDies: ({ stack, world }) => ({
    strike: async () => void process.kill(stack.edge.pid ?? 0, "SIGKILL"),
    mend: () => untilHealthy(world.place.edge),
  }),
};
