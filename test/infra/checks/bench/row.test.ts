import { describe, expect, test } from "vitest";
import { drawTable, makeRow } from "#infra/checks/bench/row.ts";

describe("a row of the bench", () => {
  test("keeps its bound by the median, or does not", () => {
    expect(makeRow("r", { bound: "at least", value: 2, unit: "×" }, [1, 2, 9], { note: "" }).reached).toBe("yes");
    expect(makeRow("r", { bound: "at least", value: 2, unit: "×" }, [1, 1.9, 9], { note: "" }).reached).toBe("no");
    expect(makeRow("r", { bound: "at most", value: 2, unit: "×" }, [1, 2, 9], { note: "" }).reached).toBe("yes");
    expect(makeRow("r", { bound: "exactly", value: 0, unit: "" }, [0.1], { note: "" }).reached).toBe("no");
  });

  test("that was not heard, or had another bound than the edge, is not counted, however good it looks", () => {
    expect(
      makeRow("r", { bound: "at least", value: 2, unit: "×" }, [9], {
        note: "how",
        explainUncounted: "the load was the bound",
      }),
    ).toMatchObject({ reached: "not counted", note: "the load was the bound; how" });
    expect(makeRow("r", { bound: "at most", value: 2, unit: "×" }, [], { note: "" }).reached).toBe("not counted");
  });

  test("that stands beside another to compare has no goal, and reaches none", () => {
    const row = makeRow("Durable Object", { bound: "none", value: 0, unit: "ms" }, [1.234], { note: "one connection" });
    expect(row.reached).toBe("–");
    expect(drawTable([row]).split("\n").at(-1)).toMatch(
      /^Durable Object +– +1\.23 ms +1\.23 – 1\.23 +– +one connection$/,
    );
  });
});
