import { expect, test } from "vitest";
import { arrange } from "#edge/portal/model/series.ts";

const names = { label: String, group: (id: string) => `<${id}>`, others: "others" };

test("groups stand by their sums, each with a value at every step; what lies outside is left out", () => {
  const points = [
    { atMs: 1, group: "small", value: 1 },
    { atMs: 2, group: "large", value: 5 },
    { atMs: 2, group: "large", value: 2 },
    { atMs: 9, group: "small", value: 1 },
  ];
  expect(arrange(points, [1, 2], names)).toEqual({
    labels: ["1", "2"],
    series: [
      { name: "<large>", values: [0, 7] },
      { name: "<small>", values: [1, 0] },
    ],
  });
});

test("beyond eight groups the rest is one, and nothing is lost of the sum", () => {
  const points = Array.from({ length: 12 }, (_, at) => ({ atMs: 1, group: `g${at}`, value: at + 1 }));
  const { series } = arrange(points, [1], names);
  expect(series).toHaveLength(8);
  expect(series.at(-1)?.name).toBe("others");
  expect(series.reduce((sum, { values }) => sum + (values[0] ?? 0), 0)).toBe(78);
});
