import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { openCapacity, type EngineSlot } from "#origin/engines/capacity.ts";

describe("an engine's capacity", () => {
  test("never promises more calls or tokens than it has, and gives everything back", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ tokens: fc.nat(500), isLeaving: fc.boolean() }), { maxLength: 60 }), (moves) => {
        const capacity = openCapacity({ inflightMax: 5, kvPromiseMax: 2 }, () => 400);
        const slots: EngineSlot[] = [];
        for (const { tokens, isLeaving } of moves) {
          if (isLeaving) slots.pop()?.release();
          try {
            slots.push(capacity.take(tokens));
          } catch (error) {
            if (!(error instanceof Refusal) || error.code !== "server_is_overloaded") throw error;
          }
          expect(capacity.inflight).toBe(slots.length);
          expect(capacity.inflight).toBeLessThanOrEqual(5);
          expect(capacity.inflight <= 1 || capacity.heldTokens <= 800).toBe(true);
        }
        for (const place of slots) {
          place.release();
          place.release();
        }
        expect([capacity.inflight, capacity.heldTokens]).toEqual([0, 0]);
      }),
    );
  });

  test("an idle engine takes a call of any size, since nothing is gained by waiting", () => {
    expect(openCapacity({ inflightMax: 1, kvPromiseMax: 1 }, () => 10).take(1_000)).toBeDefined();
  });

  test("without a known pool calls alone are counted", () => {
    const capacity = openCapacity({ inflightMax: 2, kvPromiseMax: 1 }, () => null);
    capacity.take(1e9);
    capacity.take(1e9);
    expect(() => capacity.take(1)).toThrow(Refusal);
  });
});
