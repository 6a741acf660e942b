import * as fc from "fast-check";
import { expect } from "vitest";
import type { Limits } from "#edge/agreements/records/quota.ts";
import { noLimits } from "#test/contracts/ledger/ledger-fixtures.ts";
import { LeaseWorld, type OpenFarLedger, type Way } from "./world.ts";

/** A minute before a UTC day turns, and a month with it. */
const startMs = Date.UTC(2032, 2, 31, 23, 58, 30);
const isolates = 3;

const limits = [
  { requestsPerMinute: 900, concurrency: 300, tokensPerDay: 40_000 },
  { requestsPerMinute: 2_000, requestsPerDay: 1_500, tokensPerMinute: 30_000 },
  { concurrency: 120, costMicrosPerMonth: 60_000 },
  { requestsPerHour: 1_200, tokensPerMonth: 60_000 },
];

type Command =
  | { kind: "load"; isolate: number; calls: number; everyMs: number; settleMs: number; fate: number }
  | { kind: "wait"; ms: number }
  | { kind: "kill"; isolate: number }
  | { kind: "step back"; isolate: number; ms: number }
  | { kind: "publish"; isRevoked: boolean };

const isolate = fc.nat(isolates - 1);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("load" as const),
      isolate,
      calls: fc.integer({ min: 1, max: 150 }),
      everyMs: fc.constantFrom(1, 3, 10, 40),
      settleMs: fc.constantFrom(0, 20, 700, 3_000, 70_000),
      fate: fc.nat(9),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.constantFrom(50, 500, 1_200, 30_000, 61_000, 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const), isolate }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("step back" as const),
      isolate,
      ms: fc.constantFrom(1, 200, 5_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("publish" as const), isRevoked: fc.boolean() }) },
);

const way: fc.Arbitrary<Way> = fc.record({
  outMs: fc.constantFrom(0, 0, 5, 60, 400),
  backMs: fc.constantFrom(0, 0, 5, 60, 400),
  lost: fc.constantFrom("no", "no", "no", "no", "no", "no", "message", "answer"),
});

/**
 * L1, L2, L4: whatever isolates do, lose or survive, by the true moments of admission no window of the org or of the
 * key's project is ever over its limit, no call passes under a record that is no longer in force, and at rest nothing
 * is held and all that was made is on the bill. `MODEL_RUNS` overrides how many runs.
 */
export async function checkLeaseModel(numRuns: number, open?: OpenFarLedger): Promise<void> {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  const runs = Number(process.env["MODEL_RUNS"] ?? numRuns);
  let leased = 0;
  let all = 0;
  const property = fc.asyncProperty(
    fc.array(command, { minLength: 4, maxLength: 16 }),
    fc.nat(limits.length - 1),
    fc.array(fc.integer({ min: -5_000, max: 5_000 }), { minLength: isolates, maxLength: isolates }),
    fc.array(way, { minLength: 1, maxLength: 40 }),
    fc.constantFrom("org" as const, "project" as const),
    async (commands, picked, offsets, ways, lane) => {
      const world = new LeaseWorld(startMs, { isolates, offsets, lane, ...(open && { open }) });
      const run = new Run(world, limits[picked]!);
      let next = 0;
      world.setWay(() => ways[next++ % ways.length]!);
      await run.start();
      for (const each of commands) await run.step(each);
      await run.finish();
      all += world.calls.length;
      leased += world.calls.filter(({ grant }) => grant.leased).length;
    },
  );
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: process.env["SHRINK"] === undefined });
  console.log(`lease model: seed ${seed}, ${runs} runs, ${all} calls, ${leased} of them under leases`);
  expect(leased).toBeGreaterThan(all / 10);
}

/** One history: what is done to the world, and what must hold after each step. */
class Run {
  readonly #world: LeaseWorld;
  readonly #limits: (typeof limits)[number];
  #version = 1;
  /** Since when no call may pass; null while the key is in force. */
  #revokedAtMs: number | null = null;
  #checked = 0;

  constructor(world: LeaseWorld, given: (typeof limits)[number]) {
    this.#world = world;
    this.#limits = given;
  }

  start(): Promise<void> {
    return this.#world.publish(this.#limits);
  }

  async step(command: Command): Promise<void> {
    const { time } = this.#world;
    if (command.kind === "kill") this.#world.kill(command.isolate);
    else if (command.kind === "step back") this.#world.stepBack(command.isolate, command.ms);
    else if (command.kind === "publish") await this.#publish(command.isRevoked);
    else if (command.kind === "wait") await time.advance(command.ms);
    else {
      for (let i = 0; i < command.calls; i++) {
        void this.#live(command);
        await time.advance(command.everyMs);
      }
    }
    await this.#check();
  }

  /** At rest: every call has ended or expired. */
  async finish(): Promise<void> {
    await this.#world.time.advance(45 * 60_000);
    await this.#check();
    const state = await this.#world.ledger.inspect(this.#world.org);
    await this.#world.drain();
    expect(state?.windows.filter(({ held }) => held !== 0)).toEqual([]);
    expect(state?.openHolds).toEqual([]);
    const billed = new Map<string, number>();
    for (const row of this.#world.bill) billed.set(row.hold, (billed.get(row.hold) ?? 0) + row.completionTokens);
    for (const { grant, made } of this.#world.calls)
      if (made) expect([grant.hold, billed.get(grant.hold)]).toEqual([grant.hold, made.completion]);
  }

  async #live({ isolate: index, settleMs, fate }: Extract<Command, { kind: "load" }>): Promise<void> {
    const { time } = this.#world;
    const call = await this.#world.call(index);
    if (!call) return;
    if (fate <= 1) return this.#world.release(index, call, fate === 1);
    await time.sleep(settleMs);
    // Some calls' nodes are never heard of again.
    if (fate === 2) return;
    if (fate === 3) await this.#world.settle(call, { isFinal: false, completion: 5 });
    await time.sleep(fate);
    await this.#world.settle(call, { times: fate === 4 ? 3 : 1, completion: 10 + fate });
  }

  async #publish(isRevoked: boolean): Promise<void> {
    const { time } = this.#world;
    this.#version++;
    if (!isRevoked) this.#revokedAtMs = null;
    const startedAtMs = time.nowMs;
    const publication = { isAnswered: false };
    const published = this.#world.publish(this.#limits, { isRevoked }, this.#version).then(() => {
      publication.isAnswered = true;
      if (isRevoked) this.#revokedAtMs ??= time.nowMs;
    });
    while (!publication.isAnswered && time.nowMs - startedAtMs < 2_000) await time.advance(50);
    await published;
    expect(time.nowMs - startedAtMs).toBeLessThanOrEqual(1_150);
  }

  async #check(): Promise<void> {
    const { calls, ledger, org } = this.#world;
    const state = await ledger.inspect(org);
    for (const { limit, held, settled, remaining } of state?.windows ?? []) {
      expect(held).toBeGreaterThanOrEqual(0);
      if (limit === null) continue;
      expect(remaining).toBe(limit - held - settled);
      expect(remaining).toBeGreaterThanOrEqual(0);
    }
    const { requestsPerMinute, requestsPerHour, concurrency }: Limits = { ...noLimits, ...this.#limits };
    expect(this.#world.spanMax(60_000)).toBeLessThanOrEqual(requestsPerMinute ?? Infinity);
    expect(this.#world.spanMax(3_600_000)).toBeLessThanOrEqual(requestsPerHour ?? Infinity);
    for (const call of calls.slice(this.#checked)) {
      if (this.#revokedAtMs !== null) expect(call.atMs).toBeLessThanOrEqual(this.#revokedAtMs);
      const open = calls.filter(
        (other) =>
          other.atMs <= call.atMs && (other.endedAtMs ?? other.grant.expiresAtMs) > call.atMs && other !== call,
      );
      expect(open.length).toBeLessThan(concurrency ?? Infinity);
    }
    this.#checked = calls.length;
  }
}
