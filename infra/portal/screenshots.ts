import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../local/stack.ts";
import { openBrowser } from "./browser.ts";
import { chooseNames, openPage, withSampleStack } from "./sample-stack.ts";

/**
 * `npm run screenshots [PAGE …]`: every page of the portal, wide and narrow, light and dark, in
 * build/portal/screenshots, from a stack of its own with an org that has something to show.
 */
const folder = join(root, "build/portal/screenshots");
const sizes = { wide: { width: 1280, height: 860 }, narrow: { width: 390, height: 844 } };
const themes = ["light", "dark"] as const;
/** Charts are drawn in the frames after their answers. */
const drawnMs = 400;

await withSampleStack(async (edge, filled) => {
  mkdirSync(folder, { recursive: true });
  const browser = await openBrowser();
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const theme of themes) {
      const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: "reduce" });
      const page = await context.newPage();
      for (const name of chooseNames(process.argv.slice(2))) {
        await openPage(page, edge, name, filled);
        await page.waitForTimeout(drawnMs);
        await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: size === "narrow" });
      }
      await context.close();
    }
  }
  await browser.close();
  process.stdout.write(`${folder}\n`);
});
