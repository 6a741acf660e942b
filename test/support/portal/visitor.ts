import { readFileSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect, inject } from "vitest";

const axeSource = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

export const wide = { width: 1280, height: 860 };
export const narrow = { width: 390, height: 844 };

/** Somebody at the portal: a page, and what their browser complained of. */
export interface Visitor {
  page: Page;
  context: BrowserContext;
  /** What the policy refused, and what went wrong in the page. */
  complaints: string[];
  /** Addresses that the page asked for. */
  requests: string[];
  go(path: string): Promise<void>;
}

let browser: Browser | null = null;

export const hasBrowser = (): boolean => inject("browserUrl") !== null;

/** Opens the portal, of the shared stack by default, for somebody who has this admin key; with none they sign in. */
export async function visit(
  adminKey: string | null,
  { viewport = wide, edge = inject("place").edge } = {},
): Promise<Visitor> {
  browser ??= await chromium.connect(inject("browserUrl") ?? "");
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", locale: "en-GB" });
  if (adminKey !== null)
    await context.addInitScript((key) => {
      if (!sessionStorage.getItem("penstock.key")) sessionStorage.setItem("penstock.key", key);
    }, adminKey);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const requests: string[] = [];
  // That a request was refused is the page's to say; the browser says it as well, as an error.
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
    if (/Content Security Policy|Trusted|\[Vue/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  const go = async (path: string) => {
    await page.goto(`${edge}/portal/${path}`);
    await page.locator("h1").first().waitFor();
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  };
  return { page, context, complaints, requests, go };
}

/** What axe finds wrong with the page as it stands: the rule, and where. */
export async function findFaults(page: Page): Promise<string[]> {
  const isThere = await page.evaluate("typeof axe !== 'undefined'");
  if (!isThere) await page.evaluate(axeSource);
  const faults: { id: string; nodes: { target: string[]; failureSummary: string }[] }[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return faults.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary.slice(0, 200)}`),
  );
}

export async function setTheme(page: Page, isDark: boolean): Promise<void> {
  await page.evaluate((dark) => document.documentElement.classList.toggle("dark", dark), isDark);
  // Colours follow in the frame after the next, whatever the motion.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
}

/** The page is no wider than the window. */
export async function expectNoSideScroll(page: Page): Promise<void> {
  const [wanted, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(wanted).toBeLessThanOrEqual(there ?? 0);
}
