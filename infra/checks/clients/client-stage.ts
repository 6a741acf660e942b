import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDemo } from "#infra/local/demo.ts";
import { makeModelRecords, probeEngine } from "#infra/local/engine/real-engine.ts";
import { startStack, type StackOptions } from "#infra/local/stack.ts";
import type { SetAnswer } from "#infra/simulator/set-answers.ts";
import { openFuzzOrg, waitUntilHealthy } from "../schemathesis/fuzz-org.ts";

/** A stack that clients call, and what they need to know of it. */
export interface ClientStage {
  edge: string;
  key: string;
  /** The same for scripts. */
  env: Record<string, string>;
  /** Lays down what the next chats answer, whichever node they come to; nothing where a real engine answers. */
  setAnswers(answers: SetAnswer[]): Promise<void>;
  /** A real model answers: what an agent makes of it is to be seen, not to be relied on. */
  isReal: boolean;
  close(): Promise<void>;
}

/** Starts a stack with an org that no limit stops: over a running engine, else over simulators. */
export async function openClientStage(engine?: string): Promise<ClientStage> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-clients-"));
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const stack = await startStack({ port: 0, stateDir, ...(await chooseEngines(engine)) });
  const edge = stack.edge.url;
  const demo = await openDemo(stateDir, edge, stack.secrets.bootstrapToken);
  await waitUntilHealthy(edge);
  const { model: key, make } = await openFuzzOrg(edge, demo.adminKey);
  const oneCall = await make({ limits: { concurrency: 1 } });
  const chat = await make({ endpoints: ["chat.completions", "responses", "ollama.chat", "models"] });
  const oneModel = await make({ models: ["chat"] });
  return {
    edge,
    key,
    env: {
      PENSTOCK_EDGE: edge,
      PENSTOCK_KEY: key,
      PENSTOCK_ONE_CALL_KEY: oneCall,
      PENSTOCK_CHAT_KEY: chat,
      PENSTOCK_ONE_MODEL_KEY: oneModel,
    },
    isReal: engine !== undefined,
    async setAnswers(answers) {
      if (engine !== undefined) return;
      for (const { engineUrl } of stack.nodes) {
        await fetch(`${engineUrl}/sim/answers`, { method: "DELETE" });
        const set = await fetch(`${engineUrl}/sim/answers`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ answers }),
        });
        if (!set.ok) throw new Error(`the simulator answered ${set.status}: ${await set.text()}`);
      }
    },
    async close() {
      await stack.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** A small model on a CPU reads an agent's prompt for minutes before its first token. */
const firstTokenMsMax = 900_000;

async function chooseEngines(url: string | undefined): Promise<Partial<StackOptions>> {
  // One node for each model, so that what is laid down is met.
  if (url === undefined) return { simulatorArgs: ["--step-ms", "1"] };
  const { engine, found } = await probeEngine(url);
  return {
    engines: [engine],
    models: makeModelRecords(found),
    agentLimits: { streamIdleMsMax: firstTokenMsMax },
  };
}
