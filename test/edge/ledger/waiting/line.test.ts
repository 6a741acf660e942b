import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { waitingMax } from "#edge/limits.ts";
import { WaitingLine, type WaitingAsk } from "#edge/ledger/waiting/line.ts";

const ask = (hold: string, key: string, untilMs = 1_000): WaitingAsk => ({ hold, key, untilMs });

/** Serves while there are slots; the holds that got one, in order. */
function serveSlots(line: WaitingLine<WaitingAsk>, slots: number): string[] {
  const served: string[] = [];
  line.serve(({ hold }) => {
    if (served.length >= slots) return "org";
    served.push(hold);
    return "served";
  });
  return served;
}

describe("a line of waiting asks", () => {
  test("serves keys in turn, each key's asks in order, and a key that was served comes last", () => {
    const line = new WaitingLine<WaitingAsk>();
    for (const [hold, key] of [
      ["a1", "a"],
      ["a2", "a"],
      ["a3", "a"],
      ["b1", "b"],
      ["c1", "c"],
    ] as const)
      expect(line.add(ask(hold, key))).toBe(true);
    expect(serveSlots(line, 1)).toEqual(["a1"]);
    line.add(ask("b2", "b"));
    expect(serveSlots(line, 4)).toEqual(["b1", "c1", "a2", "b2"]);
    expect([line.size, serveSlots(line, 9), line.size]).toEqual([1, ["a3"], 0]);
  });

  test("passes over who does not fit: a key's limit holds up that key alone, a need of its own that ask alone", () => {
    const line = new WaitingLine<WaitingAsk>();
    for (const hold of ["a1", "a2", "b1", "b2", "c1"]) line.add(ask(hold, hold.slice(0, 1)));
    const tried: string[] = [];
    line.serve(({ hold }) => {
      tried.push(hold);
      if (hold === "a1") return "key";
      return hold === "b1" ? "ask" : "served";
    });
    expect(tried).toEqual(["a1", "b1", "b2", "c1", "b1"]);
    expect([line.cancel("a1")?.hold, line.cancel("a2")?.hold, line.cancel("b1")?.hold]).toEqual(["a1", "a2", "b1"]);
    expect(line.cancel("b2")).toBeNull();
  });

  test("an ask that has its denial costs its key no turn", () => {
    const line = new WaitingLine<WaitingAsk>();
    for (const hold of ["a1", "a2", "b1"]) line.add(ask(hold, hold.slice(0, 1)));
    const served: string[] = [];
    line.serve(({ hold }) => {
      if (hold === "a1") return "ended";
      if (served.length > 0) return "org";
      served.push(hold);
      return "served";
    });
    expect([served, line.size]).toEqual([["a2"], 1]);
  });

  test("is bounded", () => {
    const line = new WaitingLine<WaitingAsk>();
    for (let n = 0; n < waitingMax; n++) expect(line.add(ask(`h${n}`, `k${n % 7}`))).toBe(true);
    expect(line.add(ask("late", "k"))).toBe(false);
    expect(line.cancel("h3")).toMatchObject({ key: "k3" });
    expect(line.add(ask("late", "k"))).toBe(true);
  });

  test("knows its next deadline, and takes out whoever has reached theirs", () => {
    const line = new WaitingLine<WaitingAsk>();
    expect(line.nextDeadlineMs).toBe(Infinity);
    for (const [hold, untilMs] of [
      ["a", 30],
      ["b", 10],
      ["c", 20],
    ] as const)
      line.add(ask(hold, "k", untilMs));
    expect([line.nextDeadlineMs, line.takeLate(9)]).toEqual([10, []]);
    expect(line.takeLate(20).map(({ hold }) => hold)).toEqual(["b", "c"]);
    expect([line.nextDeadlineMs, line.size]).toEqual([30, 1]);
  });
});

/** What happens to a line in a model run; times move on by `ms` before each. */
type Step =
  | { kind: "add"; key: number; waitMs: number; ms: number }
  | { kind: "end"; pick: number; ms: number }
  | { kind: "cancel"; pick: number; ms: number };

const ms = fc.nat(20);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("add" as const), key: fc.nat(3), waitMs: fc.nat(60), ms }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("end" as const), pick: fc.nat(99), ms }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), pick: fc.nat(99), ms }) },
);

interface Queued {
  hold: string;
  key: string;
  untilMs: number;
}

/** An org of `slots`, each of whose keys may run `keySlots` calls: who runs, and who waits. */
function runModel(steps: Step[], slots: number, keySlots: number): void {
  const line = new WaitingLine<WaitingAsk>();
  const running: { hold: string; key: string }[] = [];
  // The model's own line: a list in the order of arrival, and whose turn was how long ago.
  let queue: Queued[] = [];
  let turns: string[] = [];
  let nowMs = 0;
  const countKey = (key: string) => running.filter((call) => call.key === key).length;
  const fits = (key: string) => running.length < slots && countKey(key) < keySlots;
  const expectServed = (): string[] => {
    const expected: string[] = [];
    for (;;) {
      const key = turns.find((each) => fits(each) && queue.some((one) => one.key === each));
      const next = queue.find((one) => one.key === key);
      if (!key || !next) return expected;
      expected.push(next.hold);
      running.push(next);
      queue = queue.filter((one) => one !== next);
      turns = turns.filter((each) => each !== key);
      if (queue.some((one) => one.key === key)) turns.push(key);
    }
  };
  const forget = (gone: (one: Queued) => boolean) => {
    queue = queue.filter((one) => !gone(one));
    turns = turns.filter((each) => queue.some((one) => one.key === each));
  };
  const serve = () => {
    const before = [...running];
    const served: string[] = [];
    line.serve(({ hold, key, untilMs }) => {
      expect(untilMs).toBeGreaterThan(nowMs);
      if (running.length >= slots) return "org";
      if (countKey(key) >= keySlots) return "key";
      running.push({ hold, key });
      served.push(hold);
      return "served";
    });
    expect(running.length).toBeLessThanOrEqual(slots);
    running.splice(0, running.length, ...before);
    expect(served).toEqual(expectServed());
    expect(queue.filter(({ key }) => fits(key))).toEqual([]);
    expect(line.size).toBe(queue.length);
  };
  steps.forEach((step, n) => {
    nowMs += step.ms;
    const late = line.takeLate(nowMs).map(({ hold }) => hold);
    expect(late.toSorted()).toEqual(
      queue
        .filter(({ untilMs }) => untilMs <= nowMs)
        .map(({ hold }) => hold)
        .toSorted(),
    );
    forget(({ untilMs }) => untilMs <= nowMs);
    if (step.kind === "add") {
      const one = { hold: `h${n}`, key: `k${step.key}`, untilMs: nowMs + 1 + step.waitMs };
      if (fits(one.key)) running.push(one);
      else {
        line.add(one);
        queue.push(one);
        if (!turns.includes(one.key)) turns.push(one.key);
      }
    } else if (step.kind === "end") running.splice(step.pick % Math.max(1, running.length), 1);
    else {
      const picked = queue[step.pick % Math.max(1, queue.length)];
      expect(line.cancel(picked?.hold ?? "none")?.hold).toBe(picked?.hold);
      forget((one) => one === picked);
    }
    serve();
  });
}

test("whatever comes, ends and leaves: never over a limit, keys in turn, and nobody waits for what is free", () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      runModel,
    ),
    { numRuns: 300 },
  );
});
