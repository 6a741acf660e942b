import * as fc from "fast-check";
import { expect, test } from "vitest";
import { realClock, virtualClock } from "#infra/simulator/engine/clock.ts";
import { EngineCore } from "#infra/simulator/engine/engine.ts";
import type { SequenceHandle, Work } from "#infra/simulator/engine/sequence.ts";
import { l4Profile, type EngineProfile } from "#infra/simulator/options.ts";

interface Job extends Work {
  tokens: number[];
  done: Promise<void>;
  steps: number;
}

/** A sequence that generates `length` tokens and then ends. */
function job(prompt: number[], length: number, { salt = "", priority = 0 } = {}): Job {
  const ended = Promise.withResolvers<void>();
  const made: Job = {
    tokens: [...prompt],
    salt,
    priority,
    done: ended.promise,
    steps: 0,
    step: () => {
      made.tokens.push(prompt.length + made.steps++);
      if (made.steps < length) return null;
      ended.resolve();
      return "length";
    },
  };
  return made;
}

const upTo = (length: number, from = 0) => Array.from({ length }, (_, at) => from + at);
const small = (profile: Partial<EngineProfile> = {}) =>
  new EngineCore({ ...l4Profile, blocks: 12, contextTokens: 176, maxQueued: null, ...profile }, virtualClock());

test("whatever comes, every sequence ends whole, the pool is never overdrawn and is empty at the end", async () => {
  const loads = fc.array(
    fc.record({
      prompt: fc.integer({ min: 1, max: 90 }),
      length: fc.integer({ min: 1, max: 80 }),
      priority: fc.integer({ min: 0, max: 2 }),
      from: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(
      loads,
      fc.boolean(),
      fc.integer({ min: 8, max: 64 }),
      async (load, isPriority, maxBatchedTokens) => {
        const engine = small({ isPriority, maxBatchedTokens });
        const jobs = load.map(({ prompt, length, priority, from }) => job(upTo(prompt, from), length, { priority }));
        for (const work of jobs) {
          const { step } = work;
          work.step = () => {
            expect(engine.pool.freeCount).toBeGreaterThanOrEqual(0);
            expect(engine.running).toBeLessThanOrEqual(engine.profile.maxNumSeqs);
            return step();
          };
          engine.submit(work);
        }
        await Promise.all(jobs.map(({ done }) => done));
        await Promise.resolve();
        expect([engine.running, engine.waiting, engine.pool.usedCount]).toEqual([0, 0, 0]);
        expect(jobs.map(({ steps }) => steps)).toEqual(load.map(({ length }) => length));
        expect(engine.stats.generationTokens).toBe(load.reduce((sum, { length }) => sum + length, 0));
      },
    ),
    { numRuns: 60 },
  );
});

test("an abort frees its blocks before it returns, at any step", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 30 }), async (afterMs) => {
      const clock = virtualClock();
      const engine = new EngineCore(
        { ...l4Profile, blocks: 12, contextTokens: 176, stepMs: 1, prefillMsPerToken: 0, kvMsPerToken: 0 },
        clock,
      );
      const seats: SequenceHandle[] = [job(upTo(40), 100), job(upTo(40, 7), 100)].map((work) => engine.submit(work));
      await clock.sleep(afterMs);
      for (const handle of seats) engine.abort(handle);
      expect([engine.running, engine.waiting, engine.pool.usedCount, engine.stats.aborts]).toEqual([0, 0, 0, 2]);
    }),
    { numRuns: 31 },
  );
});

test("a prompt seen before is computed again only in its last block; with another salt, all of it", async () => {
  const engine = small();
  const run = async (salt: string) => {
    const work = job(upTo(64), 2, { salt });
    const handle = engine.submit(work);
    await work.done;
    return handle.cachedTokens;
  };
  expect([await run("a"), await run("a"), await run("b")]).toEqual([0, 48, 0]);
  expect(engine.stats.prefixHits).toBe(48);
});

test("when blocks run out the last to come yields, and loses no token", async () => {
  const engine = small({ blocks: 8, contextTokens: 112 });
  const jobs = [job(upTo(40), 60), job(upTo(40, 500), 60)];
  jobs.forEach((work) => engine.submit(work));
  await Promise.all(jobs.map(({ done }) => done));
  expect(engine.stats.preemptions).toBeGreaterThan(0);
  expect(jobs.map(({ steps }) => steps)).toEqual([60, 60]);
});

test("a lower priority number goes first, and only when the policy says so", async () => {
  const order = async (isPriority: boolean) => {
    const engine = small({ isPriority, maxNumSeqs: 1 });
    const ended: number[] = [];
    const jobs = [5, 3, 1].map((priority) => job(upTo(8, priority), 4, { priority }));
    for (const work of jobs) {
      engine.submit(work);
      void work.done.then(() => ended.push(work.priority));
    }
    await Promise.all(jobs.map(({ done }) => done));
    return ended;
  };
  expect(await order(true)).toEqual([1, 3, 5]);
  expect(await order(false)).toEqual([5, 3, 1]);
});

test("sequences beyond maxQueued are not admitted, and the refusals counted", () => {
  const engine = small({ maxQueued: 2 });
  expect(engine.admits(3)).toBe(false);
  engine.submit(job(upTo(4), 5));
  engine.submit(job(upTo(4), 5));
  expect(engine.admits(1)).toBe(false);
  expect(engine.stats.rejections).toBe(2);
});

test("an 8k prompt takes four steps, and its prefill the time of an L4", async () => {
  const clock = virtualClock();
  const engine = new EngineCore(l4Profile, clock);
  const work = job(upTo(8_000), 1);
  engine.submit(work);
  await work.done;
  expect(engine.stats.steps).toBe(4);
  expect(clock.now()).toBeGreaterThan(8_000 * l4Profile.prefillMsPerToken);
  expect(clock.now()).toBeLessThan(2_500);
});

test("a frozen sequence stays, and does not keep others from ending", async () => {
  const engine = new EngineCore({ ...l4Profile, stepMs: 0, prefillMsPerToken: 0, kvMsPerToken: 0 }, realClock());
  const handle = engine.submit(job(upTo(8), 1_000_000));
  engine.freeze(handle);
  const other = job(upTo(8), 5);
  engine.submit(other);
  await other.done;
  await Promise.resolve();
  expect(engine.running).toBe(1);
  engine.abort(handle);
  expect(engine.running).toBe(0);
});
