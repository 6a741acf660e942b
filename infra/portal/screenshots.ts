import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { root } from "../local/stack.ts";
import { chooseNames, openPage, withSampleStack, type Sample } from "./sample-stack.ts";

/**
 * `npm run screenshots [PAGE …]`: every page of the portal, wide and narrow, light and dark, in
 * build/portal/screenshots, from a stack of its own with an org that has something to show.
 */
const folder = join(root, "build/portal/screenshots");
const sizes = { wide: { width: 1280, height: 860 }, narrow: { width: 390, height: 844 } };
/** Charts are drawn in the frames after their answers. */
const drawnMs = 400;

/** Every page that is seen by her, or by nobody in particular, in one window. */
async function shoot(sample: Sample, look: BrowserContextOptions, [names, end]: [string[], string], isNobody: boolean) {
  const context = await sample.openWindow({ ...look, reducedMotion: "reduce" }, isNobody);
  const page = await context.newPage();
  for (const name of names.filter((one) => (one === "sign-in") === isNobody)) {
    await openPage(page, name, sample);
    await page.waitForTimeout(drawnMs);
    await page.screenshot({ path: join(folder, `${name}-${end}.png`), fullPage: end.startsWith("narrow") });
  }
  await context.close();
}

await withSampleStack(async (sample) => {
  mkdirSync(folder, { recursive: true });
  const names = chooseNames(process.argv.slice(2));
  for (const [size, viewport] of Object.entries(sizes))
    for (const colorScheme of ["light", "dark"] as const)
      for (const isNobody of [false, true])
        await shoot(sample, { viewport, colorScheme }, [names, `${size}-${colorScheme}`], isNobody);
  process.stdout.write(`${folder}\n`);
});
