import { expect, test } from "vitest";
import { palette, writeOptions, writeRadar } from "#edge/portal/parts/chart/options.ts";

const colors = { text: "#111", line: "#222", paper: "#333" };
const content = { labels: ["a", "b"], series: [{ name: "one", values: [1, null] }] };

test("baselines are zero, gaps stay gaps, bars are stacked, and what hovers is plain text", () => {
  const bars = writeOptions("bars", content, colors, String);
  expect(bars.yAxis.min).toBe(0);
  expect(bars.tooltip.renderMode).toBe("richText");
  expect(bars.series[0]).toMatchObject({ type: "bar", stack: "all", data: [1, null] });
  expect(writeOptions("lines", content, colors, String).series[0]).toMatchObject({ type: "line", connectNulls: false });
  expect(new Set(palette).size).toBe(palette.length);
});

test("a radar has an axis for each label, up to the best", () => {
  const { radar, series } = writeRadar(content, colors);
  expect(radar.indicator).toEqual([
    { name: "a", max: 1 },
    { name: "b", max: 1 },
  ]);
  expect(series[0]?.data).toEqual([{ name: "one", value: [1, 0] }]);
});
