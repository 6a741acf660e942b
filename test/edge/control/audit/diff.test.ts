import { expect, it } from "vitest";
import { diffFacts } from "#edge/control/audit/diff.ts";

it("tells both sides of what differs, and nothing else", () => {
  const before = { name: "a", limits: { x: 1 }, same: [1] };
  expect(diffFacts(before, { name: "b", limits: { x: 1 }, same: [1], more: 2 })).toEqual({
    before: { name: "a", more: null },
    after: { name: "b", more: 2 },
  });
  expect(diffFacts(before, before)).toEqual({ before: {}, after: {} });
});
