import { expect, test } from "vitest";
import { computeOrgMax, checkShare, nothing, type EngineUse } from "#origin/engines/capacity/fair-share.ts";

test.each([
  [256, 192, 128],
  [7, 5, 3],
  [4, 3, 2],
  [3, 2, 1],
  [2, 1, 1],
  [1, 1, 1],
])("of %i an org has %i alone and %i beside others", (bound, alone, beside) => {
  expect([computeOrgMax(bound, 0.75, true), computeOrgMax(bound, 0.75, false)]).toEqual([alone, beside]);
});

const amounts = (over: Partial<EngineUse>): EngineUse => ({ ...nothing, ...over });
const judge = (wanted: Partial<EngineUse>, own: Partial<EngineUse>, others: Partial<EngineUse>) =>
  checkShare(
    amounts(wanted),
    { own: amounts(own), others: amounts(others) },
    { calls: 100, sequences: 8, tokens: 80 },
    0.75,
  );

test("each of calls, sequences and tokens has to fit, the org's share first", () => {
  expect(judge({ sequences: 6, tokens: 60 }, {}, {})).toBe("fits");
  expect(judge({ sequences: 7 }, {}, {})).toBe("org_share_full");
  expect(judge({ tokens: 61 }, {}, {})).toBe("org_share_full");
  expect(judge({ calls: 1 }, { calls: 75 }, {})).toBe("org_share_full");
  expect(judge({ sequences: 4, tokens: 40 }, {}, { calls: 1 })).toBe("fits");
  expect(judge({ sequences: 5 }, {}, { calls: 1 })).toBe("org_share_full");
  expect(judge({ sequences: 3 }, {}, { calls: 1, sequences: 6 })).toBe("engine_full");
  expect(judge({ tokens: 21 }, {}, { calls: 1, tokens: 60 })).toBe("engine_full");
  expect(judge({ sequences: 5 }, {}, { calls: 1, sequences: 8 })).toBe("org_share_full");
});

test("what nobody knows the bound of, bounds nothing", () => {
  const held = { own: nothing, others: nothing };
  const bounds = { calls: null, sequences: null, tokens: null };
  expect(checkShare(amounts({ calls: 1e9, sequences: 1e9, tokens: 1e15 }), held, bounds, 0.75)).toBe("fits");
});
