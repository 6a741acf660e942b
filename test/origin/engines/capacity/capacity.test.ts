import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { orgShareHeader } from "#edge/agreements/records/node.ts";
import { Refusal } from "#edge/errors.ts";
import { openCapacity, type Capacity, type EngineSlot } from "#origin/engines/capacity/capacity.ts";

const limits = { inflightMax: 64, sequencesMax: 32, kvPromiseMax: 2, orgShareMax: 0.75 };
const pool = 400;
const orgs = ["a", "b", "c", "d"];

/** The slot, or why there is none, as the log tells it. */
function tryTake(capacity: Capacity, need: Parameters<Capacity["take"]>[0]): EngineSlot | string {
  try {
    return capacity.take(need);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "server_is_overloaded") throw error;
    return error.details.log ?? "";
  }
}

const moves = fc.array(
  fc.record({
    org: fc.constantFrom(...orgs),
    sequences: fc.integer({ min: 1, max: 20 }),
    tokens: fc.nat(600),
    ends: fc.option(fc.nat(40)),
  }),
  { maxLength: 80 },
);

describe("an engine's capacity", () => {
  test("is never promised twice, to no org beyond its share, and comes back whole", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const capacity = openCapacity(limits, () => pool);
        const live: { org: string; sequences: number; tokens: number; slot: EngineSlot }[] = [];
        for (const { ends, ...need } of all) {
          if (ends !== null && live.length > 0) {
            const [left] = live.splice(ends % live.length, 1);
            left?.slot.release();
            left?.slot.release();
          }
          const before = [capacity.inflight, capacity.sequences, capacity.heldTokens];
          const slot = tryTake(capacity, need);
          if (typeof slot === "string")
            expect([capacity.inflight, capacity.sequences, capacity.heldTokens]).toEqual(before);
          else live.push({ ...need, tokens: Math.min(need.tokens, pool), slot });
          const sum = (name: "sequences" | "tokens", org?: string) =>
            live.reduce((all, one) => all + (org === undefined || one.org === org ? one[name] : 0), 0);
          expect([capacity.inflight, capacity.sequences, capacity.heldTokens]).toEqual([
            live.length,
            sum("sequences"),
            sum("tokens"),
          ]);
          expect(capacity.sequences).toBeLessThanOrEqual(32);
          expect(capacity.heldTokens).toBeLessThanOrEqual(800);
          for (const org of orgs) {
            expect(sum("sequences", org)).toBeLessThanOrEqual(24);
            expect(sum("tokens", org)).toBeLessThanOrEqual(600);
          }
          // What an org takes beside others is within half.
          if (typeof slot !== "string" && live.some((one) => one.org !== need.org)) {
            expect(sum("sequences", need.org)).toBeLessThanOrEqual(16);
            expect(sum("tokens", need.org)).toBeLessThanOrEqual(400);
          }
        }
        for (const { slot } of live) slot.release();
        for (const { slot } of live) slot.release();
        expect([capacity.inflight, capacity.sequences, capacity.heldTokens]).toEqual([0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  test("whoever holds nothing finds room for a small call at once, whatever one other org did before", () => {
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 8 }), fc.nat(200), (all, sequences, tokens) => {
        const capacity = openCapacity(limits, () => pool);
        const live: EngineSlot[] = [];
        for (const { ends, ...need } of all) {
          if (ends !== null && live.length > 0) live.splice(ends % live.length, 1)[0]?.release();
          const slot = tryTake(capacity, { ...need, org: "other" });
          if (typeof slot !== "string") live.push(slot);
          const newcomers = tryTake(capacity, { org: "new", sequences, tokens });
          if (typeof newcomers === "string") throw new Error(newcomers);
          newcomers.release();
        }
      }),
      { numRuns: 300 },
    );
  });

  test("alone an org has three quarters; once another has come, half, and what it has beyond runs out", () => {
    const capacity = openCapacity(limits, () => null);
    const need = { org: "a", sequences: 8, tokens: 0 };
    const held = [1, 2, 3].map(() => capacity.take(need));
    expect(tryTake(capacity, need)).toBe("org_share_full");
    capacity.take({ org: "b", sequences: 8, tokens: 0 });
    held[0]?.release();
    expect(tryTake(capacity, need)).toBe("org_share_full");
    held[1]?.release();
    expect(tryTake(capacity, need)).not.toBeTypeOf("string");
    expect(tryTake(capacity, { org: "b", sequences: 9, tokens: 0 })).toBe("org_share_full");
    expect(tryTake(capacity, { org: "c", sequences: 9, tokens: 0 })).toBe("engine_full");
  });

  test("the refusal of an org's share says so to the edge and to the caller; a full engine's does not", () => {
    const capacity = openCapacity({ ...limits, sequencesMax: 4 }, () => null);
    const refuse = (org: string, sequences: number) => {
      try {
        capacity.take({ org, sequences, tokens: 0 });
        throw new Error("taken");
      } catch (error) {
        return error;
      }
    };
    expect(refuse("a", 4)).toMatchObject({
      code: "server_is_overloaded",
      details: { retryAfterMs: 1_000, headers: { [orgShareHeader]: "full" }, log: "org_share_full" },
    });
    capacity.take({ org: "a", sequences: 3, tokens: 0 });
    const full = refuse("b", 2);
    expect(full).toMatchObject({ code: "server_is_overloaded", details: { retryAfterMs: 1_000, log: "engine_full" } });
    expect(full).not.toHaveProperty("details.headers");
  });

  test("a call counts no more tokens than the pool has, however many it promises", () => {
    const capacity = openCapacity({ ...limits, kvPromiseMax: 3 }, () => pool);
    capacity.take({ org: "a", sequences: 8, tokens: 4_000_000 });
    expect(capacity.heldTokens).toBe(pool);
  });

  test("without a known pool tokens bound nothing", () => {
    const capacity = openCapacity(limits, () => null);
    capacity.take({ org: "a", sequences: 1, tokens: 1e9 });
    expect(capacity.take({ org: "b", sequences: 1, tokens: 1e9 })).toBeDefined();
    expect(capacity.heldTokens).toBe(2e9);
  });

  test("calls are bounded by themselves as well", () => {
    const capacity = openCapacity({ ...limits, inflightMax: 4 }, () => null);
    const need = { org: "a", sequences: 1, tokens: 0 };
    for (let call = 0; call < 3; call++) capacity.take(need);
    expect(tryTake(capacity, need)).toBe("org_share_full");
    capacity.take({ ...need, org: "b" });
    expect(tryTake(capacity, { ...need, org: "c" })).toBe("engine_full");
  });

  test("the largest call is what an org may have of the idle engine, and it is taken then", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 1, max: 4, noNaN: true }), (sequencesMax, kv) => {
        const bounds = { ...limits, sequencesMax, kvPromiseMax: kv };
        const { callMax } = openCapacity(bounds, () => pool);
        const largest = { org: "a", sequences: callMax.sequences, tokens: callMax.tokens ?? 4_000_000 };
        expect(
          tryTake(
            openCapacity(bounds, () => pool),
            largest,
          ),
        ).not.toBeTypeOf("string");
        const wider = { ...largest, sequences: largest.sequences + 1 };
        expect(
          tryTake(
            openCapacity(bounds, () => pool),
            wider,
          ),
        ).toBe("org_share_full");
        if (callMax.tokens === undefined) return;
        const longer = { ...largest, tokens: callMax.tokens + 1 };
        expect(
          tryTake(
            openCapacity(bounds, () => pool),
            longer,
          ),
        ).toBe("org_share_full");
      }),
    );
  });
});
