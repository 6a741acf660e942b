import { join } from "node:path";
import { freePorts, startChild } from "#infra/local/child.ts";
import { defaultModels, makeModelFlags, root } from "#infra/local/stack.ts";
import type { OracleRecord, OracleReport } from "#infra/simulator/text/oracle.ts";

/** A simulated engine that can die. What it knew of its calls is asked before it does, since it dies with it. */
export interface StormEngine {
  url: string;
  /** Every call that reached it between two times, Unix ms. */
  read(fromMs: number, toMs: number): Promise<EngineCall[]>;
  /** SIGKILL. Calls that were under way have no truth any more. */
  kill(): Promise<void>;
  /** Starts again on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What an engine says of a call. `isWhole`: it lived to see its end. */
export interface EngineCall extends OracleRecord {
  isWhole: boolean;
}

/** Starts one on a port that it keeps over its deaths. */
export async function startEngine(index: number, args: string[], log: (line: string) => void): Promise<StormEngine> {
  const [port = 0] = await freePorts(1);
  const names = makeModelFlags(defaultModels);
  const start = () =>
    startChild(
      `engine-${index + 1}`,
      [join(root, "infra/simulator/main.ts"), "--port", String(port), ...names, ...args],
      log,
    );
  let child = await start();
  const url = `http://127.0.0.1:${port}`;
  const past: EngineCall[] = [];
  const readReport = async (): Promise<EngineCall[]> => {
    const report: OracleReport = await fetch(`${url}/sim/oracle`).then((answer) => answer.json());
    return report.records.map((record) => ({ ...record, isWhole: record.endedAtMs !== null }));
  };
  return {
    url,
    read: async (fromMs, toMs) =>
      [...past, ...(await readReport())].filter(({ startedAtMs }) => startedAtMs >= fromMs && startedAtMs <= toMs),
    async kill() {
      past.push(...(await readReport()));
      child.kill("SIGKILL");
    },
    async restart() {
      child = await start();
    },
    close: () => child.stop(),
  };
}
