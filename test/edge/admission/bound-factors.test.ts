import { expect, test } from "vitest";
import { openBoundFactors } from "#edge/admission/bound-factors.ts";
import { profileStaleMs } from "#edge/limits.ts";

const owner = { org: "org_0000000001", model: "m" };
const says = (factor: number | null) => ({
  get: (name: string) => (name === "x-penstock-bound" && factor !== null ? String(factor) : null),
});

test("an org's bounds are as they are until a node says otherwise, for that org and that model alone", () => {
  const factors = openBoundFactors();
  expect(factors.find(owner)).toBe(1);
  factors.learn(owner, says(null), 0);
  factors.learn(owner, says(99), 0);
  expect([factors.find(owner), factors.size]).toEqual([1, 0]);
  factors.learn(owner, says(3), 0);
  expect(factors.find(owner)).toBe(3);
  expect([factors.find({ ...owner, org: "org_0000000002" }), factors.find({ ...owner, model: "n" })]).toEqual([1, 1]);
});

test("the greatest factor counts, until no node has repeated it for ten minutes", () => {
  const factors = openBoundFactors();
  factors.learn(owner, says(4), 1_000);
  factors.learn(owner, says(2), 2_000);
  factors.learn(owner, says(null), 2_000);
  expect(factors.find(owner)).toBe(4);
  factors.learn(owner, says(4), 5_000);
  factors.learn(owner, says(2), 5_000 + profileStaleMs - 1);
  expect(factors.find(owner)).toBe(4);
  factors.learn(owner, says(2), 5_000 + profileStaleMs);
  expect(factors.find(owner)).toBe(2);
  factors.learn(owner, says(null), 5_000 + 2 * profileStaleMs - 1);
  expect(factors.find(owner)).toBe(2);
  factors.learn(owner, says(null), 5_000 + 2 * profileStaleMs);
  expect([factors.find(owner), factors.size]).toEqual([1, 0]);
});

test("it remembers so many pairs and no more; the one that was reported longest ago goes first", () => {
  const factors = openBoundFactors(2);
  const [one, two, three] = ["a", "b", "c"].map((model) => ({ ...owner, model })) as [
    typeof owner,
    typeof owner,
    typeof owner,
  ];
  factors.learn(one, says(2), 0);
  factors.learn(two, says(2), 1);
  factors.learn(one, says(2), 2);
  factors.learn(three, says(2), 3);
  expect([one, two, three].map((each) => factors.find(each))).toEqual([2, 1, 2]);
  expect(factors.size).toBe(2);
});
