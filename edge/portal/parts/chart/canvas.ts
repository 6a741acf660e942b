import { BarChart, LineChart, RadarChart } from "echarts/charts";
import { AriaComponent, GridComponent, RadarComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, RadarChart, GridComponent, RadarComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

/** Draws into an element, and goes with it. Loaded with the first page that draws, and with these parts alone. */
export function openChart(element: HTMLElement): EChartsType {
  return init(element, null, { renderer: "canvas" });
}
