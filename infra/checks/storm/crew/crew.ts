import { startChild, type Child } from "#infra/local/child.ts";
import type { ClientShare, ClientWord } from "./client.ts";
import type { Outcome } from "./outcome.ts";
import type { Plan } from "../plan/plan.ts";

/** The client processes: callers that do not share a process with what they call, nor all with one another. */
export interface Crew {
  /**
   * Runs all callers of a plan; `keys` are each org's, the first and the narrow one. `onMoment` hears of a fault's
   * moment, once.
   */
  run(
    plan: Plan,
    ports: number[],
    keys: { key: string; narrowKey: string | null }[],
    onMoment: (number: number) => void,
  ): Promise<Outcome[]>;
  close(): Promise<void>;
}

const script = new URL("client.ts", import.meta.url).pathname;

/** Starts `count` client processes. */
export async function startCrew(count: number, log: (line: string) => void): Promise<Crew> {
  const clients = await Promise.all(
    Array.from({ length: count }, (_, index) => startChild(`client-${index + 1}`, [script], log)),
  );
  return {
    async run(plan, ports, keys, onMoment) {
      const heard = new Set<number>();
      const watches = plan.faults.map(({ number, when }) => ({ number, when }));
      const callers = plan.callers.map((caller, index) => {
        const { key = "", narrowKey = null } = keys[caller.org] ?? {};
        return { ...caller, index, key: (caller.isNarrow ? narrowKey : null) ?? key };
      });
      const hear = (number: number) => {
        if (heard.has(number)) return;
        heard.add(number);
        onMoment(number);
      };
      const shareOf = (at: number): ClientShare => ({
        ports,
        watches,
        callers: callers.filter(({ index }) => index % count === at),
      });
      const all = await Promise.all(clients.map((client, at) => runShare(client, shareOf(at), hear)));
      return all.flat();
    },
    async close() {
      await Promise.all(clients.map((client) => client.stop()));
    },
  };
}

function runShare(client: Child, share: ClientShare, onMoment: (number: number) => void): Promise<Outcome[]> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error(`${client.name} is gone`));
    const hear = (word: ClientWord) => {
      if (word.kind === "moment") return onMoment(word.number);
      client.process.off("message", hear).off("exit", gone);
      resolve(word.outcomes);
    };
    client.process.on("message", hear).once("exit", gone);
    client.process.send(share);
  });
}
