import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openBatcher } from "#edge/adapters/upstash/ledger/batcher.ts";
import type { Run, Script } from "#edge/adapters/upstash/client.ts";
import { OutOfReach } from "#edge/errors.ts";

const waitMsMax = 250;
const underWayMax = 16;
const run = (name: string | number): Run => ({ keys: [], args: [String(name)] });
const runs = (count: number, from = 0) => Array.from({ length: count }, (_, index) => run(from + index));
const fine = ({ args }: Run) => `done ${args[0]}`;

/** A script whose requests stay under way until they are ended. */
function heldScript() {
  const requests: { args: string[]; isPipeline: boolean; end(): void }[] = [];
  const leave = <T>(sent: Run[], isPipeline: boolean, answer: () => T): Promise<T> =>
    new Promise((resolve) =>
      requests.push({ args: sent.map(({ args }) => args[0] ?? ""), isPipeline, end: () => resolve(answer()) }),
    );
  const script: Script = {
    run: (one) => leave([one], false, () => fine(one)),
    runAll: (all) =>
      leave(all, true, () =>
        all.map((one) =>
          one.args[0]?.startsWith("bad")
            ? { status: "rejected", reason: new OutOfReach(one.args[0]) }
            : { status: "fulfilled", value: fine(one) },
        ),
      ),
  };
  return { script, requests };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("runs of one isolate", () => {
  test("leave at once and alone while few are under way", async () => {
    const { script, requests } = heldScript();
    const ask = openBatcher(script, waitMsMax, () => Date.now());
    const answers = runs(underWayMax).map(ask);
    expect(requests.map(({ args, isPipeline }) => [args, isPipeline])).toEqual(
      runs(underWayMax).map(({ args }) => [args, false]),
    );
    requests.forEach(({ end }) => end());
    expect(await Promise.all(answers)).toEqual(runs(underWayMax).map(fine));
  });

  test("wait beyond that; the first to wait carries the others in order, and each gets its own answer", async () => {
    const { script, requests } = heldScript();
    const ask = openBatcher(script, waitMsMax, () => Date.now());
    const first = runs(underWayMax).map(ask);
    const late = [run("a"), run("bad b"), run("c")].map(ask);
    expect(requests).toHaveLength(underWayMax);
    requests[3]?.end();
    expect(await first[3]).toBe("done 3");
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.slice(underWayMax).map(({ args, isPipeline }) => [args, isPipeline])).toEqual([
      [["a", "bad b", "c"], true],
    ]);
    requests.at(-1)?.end();
    expect(await Promise.allSettled(late)).toMatchObject([
      { value: "done a" },
      { reason: { message: "bad b" } },
      { value: "done c" },
    ]);
    expect(vi.getTimerCount()).toBe(0);
    requests.forEach(({ end }) => end());
    expect(await Promise.all(first)).toHaveLength(underWayMax);
  });

  test("go 64 at a time", async () => {
    const { script, requests } = heldScript();
    const ask = openBatcher(script, waitMsMax, () => Date.now());
    void Promise.all(runs(underWayMax + 150).map(ask));
    for (const from of [0, 1, 2]) requests[from]?.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.slice(underWayMax).map(({ args }) => args.length)).toEqual([64, 64, 22]);
  });

  test("are each sent once and answered, never more than 16 requests at a time", async () => {
    vi.useRealTimers();
    const pauses = fc.array(fc.record({ arrivesMs: fc.nat(6), takesMs: fc.nat(6) }), { minLength: 1, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(pauses, async (plan) => {
        let underWay = 0;
        const sent: string[] = [];
        const goes = async <T>(all: Run[], answer: () => T): Promise<T> => {
          expect(++underWay).toBeLessThanOrEqual(underWayMax);
          sent.push(...all.map(({ args }) => args[0] ?? ""));
          await new Promise((done) => setTimeout(done, plan[Number(all[0]?.args[0])]?.takesMs));
          underWay--;
          return answer();
        };
        const ask = openBatcher(
          {
            run: (one) => goes([one], () => fine(one)),
            runAll: (all) => goes(all, () => all.map((one) => ({ status: "fulfilled", value: fine(one) }))),
          },
          60_000,
          () => Date.now(),
        );
        const answers = plan.map(async ({ arrivesMs }, index) => {
          await new Promise((done) => setTimeout(done, arrivesMs));
          return ask(run(index));
        });
        expect(await Promise.all(answers)).toEqual(runs(plan.length).map(fine));
        expect(sent.map(Number).toSorted((one, other) => one - other)).toEqual(plan.map((_, index) => index));
        expect(underWay).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe("when Redis does not answer", () => {
  test("who has waited as long as a request may take is refused, and was never sent", async () => {
    const { script, requests } = heldScript();
    const ask = openBatcher(script, waitMsMax, () => Date.now());
    runs(underWayMax).forEach((one) => void ask(one));
    const waiting = ask(run("late")).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(waitMsMax);
    expect(await waiting).toMatchObject({ message: "redis: no permit within 250 ms", wasSent: false });
    // Nor does it stand before those that came after it.
    const next = ask(run("next"));
    requests[0]?.end();
    await vi.advanceTimersByTimeAsync(0);
    requests.at(-1)?.end();
    expect(await next).toBe("done next");
    requests.forEach(({ end }) => end());
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.flatMap(({ args }) => args)).not.toContain("late");
  });

  test("the 1,025th who waits is refused at once", async () => {
    const { script } = heldScript();
    const ask = openBatcher(script, waitMsMax, () => Date.now());
    const waiting = runs(underWayMax + 1_024).map(ask);
    await expect(ask(run("one too many"))).rejects.toMatchObject({
      message: "redis: 1024 wait already",
      wasSent: false,
    });
    const all = Promise.allSettled(waiting.slice(underWayMax));
    await vi.advanceTimersByTimeAsync(waitMsMax);
    expect((await all).every(({ status }) => status === "rejected")).toBe(true);
  });

  test("a request that died with its call frees its permit in time, and the runs that it carried fail", async () => {
    const { script, requests } = heldScript();
    const ask = openBatcher(script, waitMsMax, () => Date.now());
    runs(underWayMax).forEach((one) => void ask(one));
    const carried = [run("carrier"), run("passenger")].map(ask);
    requests[0]?.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.at(-1)?.args).toEqual(["carrier", "passenger"]);
    const failure = carried[1]?.catch((error: unknown) => error);
    // Until then it may yet be over, and nobody takes its place.
    await vi.advanceTimersByTimeAsync(4 * waitMsMax - 1);
    const early = ask(run("early"));
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.at(-1)?.args).toEqual(["carrier", "passenger"]);
    await vi.advanceTimersByTimeAsync(2);
    expect(String(await failure)).toContain("redis: no reply");
    const fresh = ask(run("fresh"));
    expect(requests.at(-1)?.args).toEqual(["fresh", "early"]);
    requests.at(-1)?.end();
    expect(await Promise.all([fresh, early])).toEqual(["done fresh", "done early"]);
  });
});
