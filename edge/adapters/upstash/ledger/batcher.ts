import { OutOfReach } from "../../../errors.ts";
import { goneAfterWaits, Semaphore, type Permit } from "./semaphore.ts";
import type { Run, Script } from "../client.ts";

/** Requests that one isolate may have under way; runs that go together in one; runs that wait. */
const underWayMax = 16;
const togetherMax = 64;
const waitingMax = 1_024;

/**
 * A run that waits. It receives its reply from the request that took it along, or a permit to send the others itself.
 */
interface QueuedRun {
  run: Run;
  reply: PromiseWithResolvers<PromiseSettledResult<unknown> | Permit>;
}

/**
 * Keeps an isolate from burying Redis, and itself, under requests. While few are under way each run leaves at once,
 * alone; beyond that runs wait for one to come back, and the first that waits takes those behind it along, in one
 * pipeline. Nobody waits longer than a request may take; what has waited so long was never sent. Runs of many calls
 * meet here: workerd wakes each in its own context (compatibility flag `handle_cross_request_promise_resolution`, on by
 * date).
 */
export function openBatcher(script: Script, waitMsMax: number, now: () => number): (run: Run) => Promise<unknown> {
  const waiting: QueuedRun[] = [];
  const semaphore = new Semaphore(underWayMax, goneAfterWaits * waitMsMax, now);

  const release = (permit: Permit): void => {
    semaphore.release(permit);
    const next = waiting.length > 0 ? semaphore.acquire() : null;
    if (next) waiting.shift()?.reply.resolve(next);
  };
  const send = async (run: Run, permit: Permit): Promise<unknown> => {
    const others = waiting.splice(0, togetherMax - 1);
    try {
      if (others.length === 0) return await script.run(run);
      const [own, ...replies] = await script.runAll([run, ...others.map((other) => other.run)]);
      others.forEach(({ reply: told }, index) => told.resolve(replies[index] ?? noReply));
      return readResult(own ?? noReply);
    } finally {
      release(permit);
    }
  };
  return async (run) => {
    const permit = semaphore.acquire();
    if (permit) return send(run, permit);
    if (waiting.length >= waitingMax) throw new OutOfReach(`redis: ${waitingMax} wait already`, false);
    const own: QueuedRun = { run, reply: Promise.withResolvers() };
    waiting.push(own);
    const giveUp = () => {
      const index = waiting.indexOf(own);
      if (index < 0) return;
      waiting.splice(index, 1);
      own.reply.reject(new OutOfReach(`redis: no permit within ${waitMsMax} ms`, false));
    };
    const timers = [
      setTimeout(giveUp, waitMsMax),
      setTimeout(() => own.reply.resolve(noReply), goneAfterWaits * waitMsMax),
    ];
    const reply = await own.reply.promise.finally(() => timers.forEach(clearTimeout));
    return "atMs" in reply ? send(run, reply) : readResult(reply);
  };
}

const noReply: PromiseRejectedResult = { status: "rejected", reason: new OutOfReach("redis: no reply") };

function readResult(reply: PromiseSettledResult<unknown>): unknown {
  if (reply.status === "rejected") throw reply.reason;
  return reply.value;
}
