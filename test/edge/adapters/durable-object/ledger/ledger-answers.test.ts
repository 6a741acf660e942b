import { expect, test } from "vitest";
import {
  areOrgSettlements,
  areSettlements,
  isAdmission,
  isIntrospection,
  isMoved,
  isSettlement,
  isState,
} from "#edge/adapters/durable-object/ledger/ledger-answers.ts";

// What each refuses is tried through the adapter (ledger.test.ts); here, that a moved org passes for no other answer.
test("a moved org is known as such, and is nothing else", () => {
  const moved = { kind: "moved" } as never;
  expect([isMoved(moved), isMoved(null), isMoved("moved"), isMoved({ kind: "grant" })]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([isAdmission, isIntrospection, isSettlement, isState].map((isOne) => isOne(moved))).toEqual(
    Array(4).fill(false),
  );
  expect([areOrgSettlements(moved, 1), areSettlements(moved, 1)]).toEqual([false, false]);
});

test("settlements are as many as were asked for", () => {
  const one = { hold: "hold_1", result: "settled" } as const;
  expect([areSettlements([one], 1), areSettlements([one], 2), areSettlements([], 0)]).toEqual([true, false, true]);
  expect([areOrgSettlements([{ kind: "moved" }], 1), areOrgSettlements([], 1)]).toEqual([true, false]);
});
