import { startChild, type Child } from "#infra/local/child.ts";
import type { ClientShare, ClientMessage } from "./client.ts";
import type { AttemptOutcome } from "./outcome.ts";
import type { StormPlan } from "../plan/plan.ts";

/** The client processes: callers that do not share a process with what they call, nor all with one another. */
export interface Crew {
  /**
   * Runs all callers of a plan; `keys` are each org's, the first and the narrow one. `onMoment` hears of a fault's
   * moment, once.
   */
  run(
    plan: StormPlan,
    ports: number[],
    keys: { key: string; narrowKey: string | null }[],
    onMoment: (number: number) => void,
  ): Promise<AttemptOutcome[]>;
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
      const known = new Set<number>();
      const watches = plan.faults.map(({ number, when }) => ({ number, when }));
      const callers = plan.callers.map((caller, index) => {
        const { key = "", narrowKey = null } = keys[caller.org] ?? {};
        return { ...caller, index, key: (caller.isNarrow ? narrowKey : null) ?? key };
      });
      const onMessage = (number: number) => {
        if (known.has(number)) return;
        known.add(number);
        onMoment(number);
      };
      const makeShare = (at: number): ClientShare => ({
        ports,
        watches,
        callers: callers.filter(({ index }) => index % count === at),
      });
      const all = await Promise.all(clients.map((client, at) => runShare(client, makeShare(at), onMessage)));
      return all.flat();
    },
    async close() {
      await Promise.all(clients.map((client) => client.stop()));
    },
  };
}

function runShare(client: Child, share: ClientShare, onMoment: (number: number) => void): Promise<AttemptOutcome[]> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error(`${client.name} is gone`));
    const onMessage = (message: ClientMessage) => {
      if (message.kind === "moment") return onMoment(message.number);
      client.process.off("message", onMessage).off("exit", gone);
      resolve(message.outcomes);
    };
    client.process.on("message", onMessage).once("exit", gone);
    client.process.send(share);
  });
}
