import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pageList } from "#edge/portal/page-list.ts";
import { openDemo } from "../local/demo.ts";
import { root, startStack } from "../local/stack.ts";
import { openBrowser } from "./browser.ts";
import { ensurePortal } from "./build-portal.ts";
import { fillOrg, type FilledOrg } from "./sample-org.ts";

/**
 * `npm run screenshots [PAGE …]`: every page of the portal, wide and narrow, light and dark, in
 * build/portal/screenshots, from a stack of its own with an org that has something to show.
 */
const folder = join(root, "build/portal/screenshots");
const sizes = { wide: { width: 1280, height: 860 }, narrow: { width: 390, height: 844 } };
const themes = ["light", "dark"] as const;

/** What stands behind a page's name in its address, so that there is something to see. */
const queries: Readonly<Record<string, string>> = {
  models: "compare=Qwen/Qwen2.5-7B-Instruct,Snowflake/Arctic-Text2SQL-R1-7B",
  usage: "span=7d",
};

async function main(): Promise<void> {
  await ensurePortal();
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-"));
  const stack = await startStack({ port: 0, stateDir, simulatorArgs: ["--step-ms", "5"] });
  try {
    const demo = await openDemo(stateDir, stack.edge.url, stack.secrets.bootstrapToken);
    await shoot(stack.edge.url, await fillOrg(stack.edge.url, demo.adminKey), process.argv.slice(2));
  } finally {
    await stack.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function shoot(edge: string, { org, adminKey }: FilledOrg, only: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const browser = await openBrowser();
  const wanted = pageList.filter(({ name }) => only.length === 0 || only.includes(name));
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const theme of themes) {
      const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: "reduce" });
      const page = await context.newPage();
      for (const { name } of wanted) {
        // The sign-in page is seen by whoever has not signed in.
        await page.goto(`${edge}/portal/sign-in`);
        await page.evaluate(
          (key) => (key === null ? sessionStorage.clear() : sessionStorage.setItem("penstock.key", key)),
          name === "sign-in" ? null : adminKey,
        );
        const path = name === "overview" ? "" : name;
        await page.goto(`${edge}/portal/${path}?${name === "sign-in" ? "" : `org=${org}&${queries[name] ?? ""}`}`);
        await page.locator("h1").first().waitFor();
        await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
        await page.waitForTimeout(400);
        await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: size === "narrow" });
      }
      await context.close();
    }
  }
  await browser.close();
  process.stdout.write(`${folder}\n`);
}

await main();
