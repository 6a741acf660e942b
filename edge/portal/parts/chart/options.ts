/** What a chart shows: a value of each series at each label; `null` is a gap, since nothing is known there. */
export interface ChartContent {
  labels: readonly string[];
  series: readonly { name: string; values: readonly (number | null)[] }[];
}

/** The colours of a theme that a canvas cannot take from the stylesheet. */
export interface ChartColors {
  text: string;
  line: string;
  paper: string;
}

/** Eight colours that stay apart for colour-blind eyes and on both papers (after Okabe and Ito). */
export const palette = ["#1f86bb", "#d98a00", "#2a9d78", "#c4528d", "#7a6fd0", "#d1622b", "#5aa9d6", "#8a8f98"];

/** As many steps still show each value as a dot, so that one between gaps is seen. */
const symbolsMax = 31;

/** How a chart is drawn: `bars` are stacked, `lines` are not. Baselines are zero; what hovers is plain text. */
export function writeOptions(
  kind: "bars" | "lines",
  { labels, series }: ChartContent,
  colors: ChartColors,
  format: (value: number) => string,
) {
  const axisLabel = { color: colors.text, fontSize: 11 };
  return {
    animation: false,
    color: palette,
    textStyle: { fontFamily: "Inter Variable, sans-serif" },
    grid: { left: 8, right: 8, top: 16, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis" as const,
      renderMode: "richText" as const,
      confine: true,
      axisPointer: { type: kind === "bars" ? ("shadow" as const) : ("line" as const) },
      backgroundColor: colors.paper,
      borderColor: colors.line,
      textStyle: { color: colors.text, fontSize: 12 },
      valueFormatter: (value: unknown) => (typeof value === "number" ? format(value) : "–"),
    },
    xAxis: {
      type: "category" as const,
      data: [...labels],
      axisLabel: { ...axisLabel, hideOverlap: true },
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { show: false },
    },
    yAxis: {
      type: "value" as const,
      min: 0,
      axisLabel: { ...axisLabel, formatter: (value: number) => format(value) },
      splitLine: { lineStyle: { color: colors.line, opacity: 0.6 } },
    },
    series: series.map(({ name, values }) => ({
      name,
      data: [...values],
      ...(kind === "bars"
        ? { type: "bar" as const, stack: "all", barMaxWidth: 36 }
        : { type: "line" as const, symbolSize: 5, connectNulls: false, showSymbol: labels.length <= symbolsMax }),
    })),
  };
}

/** How models are compared on axes of their own: each axis is a share of the best. */
export function writeRadar({ labels, series }: ChartContent, colors: ChartColors) {
  return {
    animation: false,
    color: palette,
    textStyle: { fontFamily: "Inter Variable, sans-serif" },
    radar: {
      indicator: labels.map((name) => ({ name, max: 1 })),
      axisName: { color: colors.text, fontSize: 11 },
      splitLine: { lineStyle: { color: colors.line } },
      axisLine: { lineStyle: { color: colors.line } },
      splitArea: { show: false },
      radius: "62%",
    },
    series: [
      {
        type: "radar" as const,
        symbolSize: 4,
        data: series.map(({ name, values }) => ({ name, value: values.map((value) => value ?? 0) })),
        areaStyle: { opacity: 0.08 },
      },
    ],
  };
}
