import { setTimeout as sleep } from "node:timers/promises";
import { CallerConnection } from "./exchange.ts";
import type { AttemptOutcome } from "./outcome.ts";
import type { CallerPlan, FaultPlan, Moment } from "../plan/plan.ts";

/** The work of one client process: its share of the callers, and the edges that they call. */
export interface ClientShare {
  ports: number[];
  callers: (CallerPlan & { index: number; key: string })[];
  /** Moments to report, each once. */
  watches: { number: number; when: FaultPlan["when"] }[];
}

/** What a client process reports to its parent. */
export type ClientMessage = { kind: "moment"; number: number } | { kind: "outcomes"; outcomes: AttemptOutcome[] };

/** How often a caller retries a call that something dead refused or cut off. One refused by a limit is not retried. */
const triesMax = 6;
const pauseMs = 250;
const pauseMsMax = 2_000;

async function runCallers(share: ClientShare, send: (message: ClientMessage) => void): Promise<void> {
  const planned = share.callers.reduce((sum, { calls }) => sum + calls.length, 0);
  const watches = share.watches.map((watch) => ({ ...watch, isTold: false }));
  const waits: Promise<void>[] = [];
  let begun = 0;
  const onMoment = (moment: Moment) => {
    for (const watch of watches) {
      if (watch.isTold || watch.when.moment !== moment || begun < watch.when.share * planned) continue;
      watch.isTold = true;
      waits.push(sleep(watch.when.afterMs).then(() => send({ kind: "moment", number: watch.number })));
    }
  };
  const outcomes: AttemptOutcome[] = [];
  const startedAtMs = performance.now();
  await Promise.all(
    share.callers.map(async (caller) => {
      await sleep(Math.max(0, caller.startMs - (performance.now() - startedAtMs)));
      const connection = new CallerConnection();
      for (const [index, call] of caller.calls.entries()) {
        begun++;
        for (let attempt = 0, mayTryAgain = true; mayTryAgain; attempt++) {
          const result = await connection.exchange({
            call,
            key: caller.key,
            port: share.ports[caller.edge] ?? 0,
            onMoment,
          });
          outcomes.push({ ...result, caller: caller.index, call: index, attempt, edge: caller.edge });
          mayTryAgain = attempt + 1 < countTries(result);
          if (mayTryAgain) await sleep(Math.min(pauseMsMax, pauseMs * 2 ** attempt));
        }
      }
      connection.close();
    }),
  );
  await Promise.all(waits);
  send({ kind: "outcomes", outcomes });
}

function countTries({ status, how }: Pick<AttemptOutcome, "status" | "how">): number {
  const hasFailed = status === null || status >= 500;
  return hasFailed && how !== "aborted" && how !== "hung" ? triesMax : 0;
}

if (process.send) {
  process.on("message", (share: ClientShare) => void runCallers(share, (message) => process.send?.(message)));
  process.channel?.ref();
  console.log("ready {}");
}
