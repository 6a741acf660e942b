import { join } from "node:path";
import { freePorts, startChild } from "#infra/local/child.ts";
import { defaultModels, makeModelFlags, root } from "#infra/local/stack.ts";
import type { OracleRecord, OracleReport } from "#infra/simulator/text/oracle.ts";

/** A simulated engine that can die. Its record of calls is read before it does, since that dies with it. */
export interface StormEngine {
  url: string;
  /** Every call that reached it between two times, Unix ms. */
  read(fromMs: number, toMs: number): Promise<EngineCall[]>;
  /** SIGKILL. Of the calls that were under way no record remains. */
  kill(): Promise<void>;
  /** Starts again on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What an engine reports of a call. `isWhole`: the engine lived to see the call's end. */
export interface EngineCall extends OracleRecord {
  isWhole: boolean;
}

/** Starts one on a port that it keeps when it is restarted. */
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
