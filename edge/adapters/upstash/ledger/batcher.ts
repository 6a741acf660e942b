import { OutOfReach } from "../../../errors.ts";
import { goneAfter, Places, type Place } from "./semaphore.ts";
import type { Run, Script } from "../client.ts";

/** Requests that one isolate may have under way; runs that go together in one; runs that wait. */
const underWayMax = 16;
const togetherMax = 64;
const waitingMax = 1_024;

/**
 * A run that waits. It receives its reply from the request that took it along, or a permit to send the others itself.
 */
interface Waiting {
  run: Run;
  told: PromiseWithResolvers<PromiseSettledResult<unknown> | Place>;
}

/**
 * Keeps an isolate from burying Redis, and itself, under requests. While few are under way each run leaves at once,
 * alone; beyond that runs wait for one to come back, and the first that waits takes those behind it along, in one
 * pipeline. Nobody waits longer than a request may take; what has waited so long was never sent. Runs of many calls
 * meet here: workerd wakes each in its own context (compatibility flag `handle_cross_request_promise_resolution`, on by
 * date).
 */
export function openBatcher(script: Script, waitMsMax: number): (run: Run) => Promise<unknown> {
  const waiting: Waiting[] = [];
  const places = new Places(underWayMax, goneAfter * waitMsMax);

  const over = (place: Place): void => {
    places.giveBack(place);
    const next = waiting.length > 0 ? places.take() : null;
    if (next) waiting.shift()?.told.resolve(next);
  };
  const carry = async (run: Run, place: Place): Promise<unknown> => {
    const others = waiting.splice(0, togetherMax - 1);
    try {
      if (others.length === 0) return await script.run(run);
      const [own, ...replies] = await script.runAll([run, ...others.map((other) => other.run)]);
      others.forEach(({ told }, index) => told.resolve(replies[index] ?? noReply));
      return resultOf(own ?? noReply);
    } finally {
      over(place);
    }
  };
  return async (run) => {
    const place = places.take();
    if (place) return carry(run, place);
    if (waiting.length >= waitingMax) throw new OutOfReach(`redis: ${waitingMax} wait already`, false);
    const own: Waiting = { run, told: Promise.withResolvers() };
    waiting.push(own);
    const leave = () => {
      const index = waiting.indexOf(own);
      if (index < 0) return;
      waiting.splice(index, 1);
      own.told.reject(new OutOfReach(`redis: no permit within ${waitMsMax} ms`, false));
    };
    const timers = [setTimeout(leave, waitMsMax), setTimeout(() => own.told.resolve(noReply), goneAfter * waitMsMax)];
    const told = await own.told.promise.finally(() => timers.forEach(clearTimeout));
    return "atMs" in told ? carry(run, told) : resultOf(told);
  };
}

const noReply: PromiseRejectedResult = { status: "rejected", reason: new OutOfReach("redis: no reply") };

function resultOf(reply: PromiseSettledResult<unknown>): unknown {
  if (reply.status === "rejected") throw reply.reason;
  return reply.value;
}
