import { chooseNames, openPage, withSampleStack, type Sample } from "./sample-stack.ts";

/**
 * `npm run speed [PAGE …]`: how soon each page of the portal stands, from an empty cache, on a CPU that is four times
 * slower than this one. Says each page's median of three, and ends with 1 where one is over its bound.
 */
const slowDown = 4;
const rounds = 3;
/** How long a page is watched once it stands. */
const restMs = 1_000;
const bounds = { lcpMs: 1_500, tbtMs: 150, cls: 0.02 };
/** What a task may take before the rest of it keeps whoever types waiting. */
const taskMs = 50;

const figures = ["lcpMs", "tbtMs", "cls"] as const;
type Speed = Record<(typeof figures)[number], number>;

/** Runs in the page, before its own scripts. */
function watch(): void {
  const seen = { lcpMs: 0, cls: 0, tasks: [] as number[] };
  Object.assign(window, { seen });
  const read = (entry: PerformanceEntry, name: string) => Number(Reflect.get(entry, name));
  const observe = (type: string, take: (entry: PerformanceEntry) => void) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe("largest-contentful-paint", ({ startTime }) => (seen.lcpMs = startTime));
  observe("longtask", ({ duration }) => seen.tasks.push(duration));
  observe("layout-shift", (entry) => (seen.cls += Reflect.get(entry, "hadRecentInput") ? 0 : read(entry, "value")));
}

async function measure(name: string, sample: Sample): Promise<Speed> {
  const context = await sample.openWindow({ viewport: { width: 1280, height: 860 } }, name === "sign-in");
  const page = await context.newPage();
  const tools = await context.newCDPSession(page);
  await tools.send("Emulation.setCPUThrottlingRate", { rate: slowDown });
  await page.addInitScript(watch);
  await openPage(page, name, sample);
  await page.waitForTimeout(restMs);
  const seen: { lcpMs: number; cls: number; tasks: number[] } = await page.evaluate("window.seen");
  await context.close();
  const tbtMs = seen.tasks.reduce((sum, duration) => sum + Math.max(0, duration - taskMs), 0);
  return { lcpMs: seen.lcpMs, tbtMs, cls: seen.cls };
}

const findMedian = (values: number[]) =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

await withSampleStack(async (sample) => {
  process.stdout.write("| page | LCP, ms | TBT, ms | CLS | |\n|---|---|---|---|---|\n");
  for (const name of chooseNames(process.argv.slice(2))) {
    const all: Speed[] = [];
    for (let round = 0; round < rounds; round++) all.push(await measure(name, sample));
    const middle = (of: keyof Speed) => findMedian(all.map((one) => one[of]));
    const isOver = figures.some((of) => middle(of) > bounds[of]);
    const row = [name, middle("lcpMs").toFixed(0), middle("tbtMs").toFixed(0), middle("cls").toFixed(3)];
    process.stdout.write(`| ${row.join(" | ")} | ${isOver ? "over" : ""} |\n`);
    if (isOver) process.exitCode = 1;
  }
});
