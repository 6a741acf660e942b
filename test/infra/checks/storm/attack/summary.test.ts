import { expect, test } from "vitest";
import type { NeighbourCall } from "#infra/checks/storm/attack/neighbours.ts";
import { summarize, type AttackEvidence } from "#infra/checks/storm/attack/summary.ts";

const plain = (firstMs: number, over: Partial<NeighbourCall> = {}): NeighbourCall => ({
  kind: "plain",
  status: 200,
  firstMs,
  isWhole: true,
  ...over,
});
const times = (firstMs: number) => Array.from({ length: 40 }, () => plain(firstMs));
const tokens = { promptTokens: 8, completionTokens: 100 };
const fine: AttackEvidence = {
  name: "an attack",
  isRefused: false,
  turns: [{ calm: times(100), attacked: times(150) }],
  statuses: [200, 429, null],
  bill: [{ hold: "hold_1", isLeft: false, billed: tokens, made: tokens }],
};
const turn = (over: { calm?: NeighbourCall[]; attacked?: NeighbourCall[] }) => ({
  turns: [{ calm: times(100), attacked: times(150), ...over }],
});
const faultsOf = (over: Partial<AttackEvidence>) => summarize({ ...fine, ...over }).faults;

test("half as long again is fine, and the figures are there", () => {
  expect(summarize(fine)).toEqual({
    name: "an attack",
    calls: 40,
    refused: 0,
    calmP95: 100,
    attackedP95: 150,
    ratio: 1.5,
    heavyRatio: Number.NaN,
    attackerCalls: 3,
    attackerRefused: 1,
    billed: 108,
    made: 108,
    faults: [],
  });
});

test.each<[string, Partial<AttackEvidence>, RegExp]>([
  ["others wait longer", turn({ attacked: times(151) }), /1\.51 × as long/],
  ["nothing was measured", turn({ attacked: [] }), /NaN × as long/],
  ["another org is refused", turn({ attacked: [...times(100), plain(1, { status: 503 })] }), /1 calls of others: 503/],
  ["one gets no answer", turn({ attacked: [...times(100), plain(1, { status: null })] }), /1 calls of others: null/],
  ["a stream breaks off", turn({ attacked: [...times(100), plain(1, { isWhole: false })] }), /broken off/],
  ["even without the attack", turn({ calm: [...times(150), plain(1, { status: 503 })] }), /503/],
  [
    "a token is not billed",
    { bill: [{ hold: "h", isLeft: false, billed: { ...tokens, completionTokens: 99 }, made: tokens }] },
    /99/,
  ],
  [
    "a prompt is not billed",
    { bill: [{ hold: "h", isLeft: false, billed: { ...tokens, promptTokens: 7 }, made: tokens }] },
    /7 \+/,
  ],
  ["the attack made nothing", { bill: [] }, /made nothing/],
  ["what is to be refused is served", { isRefused: true, statuses: [200, 400] }, /was served/],
  ["what is to be refused is not", { isRefused: true, statuses: [429], bill: [] }, /no call .* 400/],
])("%s: wrong", (_, over, fault) => {
  expect(faultsOf(over)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
});

test("of an answer that was left, a tenth may have been on its way; of its prompt nothing, and never too much", () => {
  const left = (completionTokens: number, promptTokens = 8) =>
    faultsOf({ bill: [{ hold: "h", isLeft: true, billed: { promptTokens, completionTokens }, made: tokens }] });
  expect([left(100), left(90)]).toEqual([[], []]);
  expect([left(89).length, left(101).length, left(95, 7).length]).toEqual([1, 1, 1]);
});

test("an attack that is refused makes nothing, and is fine", () => {
  expect(faultsOf({ isRefused: true, statuses: [400, 429], bill: [] })).toEqual([]);
});

test("calls on the dedicated nodes are told apart", () => {
  const heavy = (firstMs: number) => times(firstMs).map((call) => ({ ...call, kind: "heavy" as const }));
  const summary = summarize({
    ...fine,
    turns: [{ calm: [...times(100), ...heavy(100)], attacked: [...times(150), ...heavy(400)] }],
  });
  expect([summary.ratio, summary.heavyRatio, summary.faults]).toEqual([1.5, 4, []]);
});

test("a turn into which something else of the machine fell does not decide", () => {
  const turns = [150, 900, 120].map((firstMs) => ({ calm: times(100), attacked: times(firstMs) }));
  expect(summarize({ ...fine, turns })).toMatchObject({ ratio: 1.5, attackedP95: 150, faults: [] });
});
