import { RedisError, type Run, type Script } from "./redis.ts";

/** Requests that one isolate may have under way; runs that go together in one; runs that wait. */
const underWayMax = 16;
const togetherMax = 64;
const waitingMax = 1_024;

/** A request that has left, or is about to. */
interface Trip {
  atMs: number;
}

/** A run that waits. It is told its reply by the request that took it along, or that it is to take the others along itself. */
interface Waiting {
  run: Run;
  told: PromiseWithResolvers<PromiseSettledResult<unknown> | Trip>;
}

/**
 * Keeps an isolate from burying Redis, and itself, under requests. While few are under way each run leaves at once, alone; beyond that runs wait for one to
 * come back, and the first that waits takes those behind it along, in one pipeline. Nobody waits longer than a request may take; what has waited so long was
 * never sent. Runs of many calls meet here: workerd wakes each in its own context (compatibility flag `handle_cross_request_promise_resolution`, on by date).
 */
export function openBatcher(script: Script, waitMsMax: number): (run: Run) => Promise<unknown> {
  const waiting: Waiting[] = [];
  const underWay = new Set<Trip>();

  /** A place for one more request. One whose call died with it never says that it is over: it is taken for that when it must long have ended. */
  const claim = (): Trip | null => {
    const now = Date.now();
    if (underWay.size >= underWayMax) for (const trip of underWay) if (now - trip.atMs > goneAfter * waitMsMax) underWay.delete(trip);
    if (underWay.size >= underWayMax) return null;
    const trip = { atMs: now };
    underWay.add(trip);
    return trip;
  };
  const over = (trip: Trip): void => {
    underWay.delete(trip);
    const next = waiting.length > 0 ? claim() : null;
    if (next) waiting.shift()?.told.resolve(next);
  };
  const carry = async (run: Run, trip: Trip): Promise<unknown> => {
    const others = waiting.splice(0, togetherMax - 1);
    try {
      if (others.length === 0) return await script.run(run);
      const [own, ...replies] = await script.runAll([run, ...others.map((other) => other.run)]);
      others.forEach(({ told }, index) => told.resolve(replies[index] ?? noReply));
      return resultOf(own ?? noReply);
    } finally {
      over(trip);
    }
  };
  return async (run) => {
    const trip = claim();
    if (trip) return carry(run, trip);
    if (waiting.length >= waitingMax) throw new RedisError(`redis: ${waitingMax} wait already`);
    const own: Waiting = { run, told: Promise.withResolvers() };
    waiting.push(own);
    const leave = () => {
      const place = waiting.indexOf(own);
      if (place < 0) return;
      waiting.splice(place, 1);
      own.told.reject(new RedisError(`redis: no place within ${waitMsMax} ms`));
    };
    const timers = [setTimeout(leave, waitMsMax), setTimeout(() => own.told.resolve(noReply), goneAfter * waitMsMax)];
    const told = await own.told.promise.finally(() => timers.forEach(clearTimeout));
    return "atMs" in told ? carry(run, told) : resultOf(told);
  };
}

/** A request, and the one that brings a script which Redis had forgotten, must have ended so many times its bound after it was begun. */
const goneAfter = 4;

const noReply: PromiseRejectedResult = { status: "rejected", reason: new RedisError("redis: no reply") };

function resultOf(reply: PromiseSettledResult<unknown>): unknown {
  if (reply.status === "rejected") throw reply.reason;
  return reply.value;
}
