import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pageList } from "#edge/portal/page-list.ts";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { askEdge, showKey } from "../local/edge/ask-edge.ts";
import { cast } from "../local/demo-orgs/cast.ts";
import { openDemoOrgs } from "../local/demo-orgs/demo-orgs.ts";
import { openMailbox } from "../local/demo-orgs/mailbox.ts";
import { openDemo } from "../local/demo.ts";
import { defaultModels, startStack } from "../local/stack.ts";
import { openBrowser } from "./browser.ts";
import { ensurePortal } from "./build-portal.ts";

/** A stack with the orgs of `npm run dev -- --demo`, one of which is looked at, and windows of a browser. */
export interface Sample {
  edge: string;
  org: string;
  /** A window of its owner, who is an operator as well; of nobody if `isNobody`. */
  openWindow(options: BrowserContextOptions, isNobody?: boolean): Promise<BrowserContext>;
}

const days = 30;
/** Its calls go on for a while, so that gauges of minutes show something. */
const liveMs = 20_000;

/** Opens a sample for as long as `work` takes. */
export async function withSampleStack(work: (sample: Sample) => Promise<void>): Promise<void> {
  await ensurePortal();
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-"));
  const mailbox = openMailbox();
  const log = (_: string, line: string) => void mailbox.take(line);
  const stack = await startStack({ port: 0, stateDir, simulatorArgs: ["--step-ms", "5"], log });
  const edge = stack.edge.url;
  const browser = await openBrowser();
  try {
    const { adminKey } = await openDemo(stateDir, edge, stack.secrets.bootstrapToken);
    const demo = { stateDir, edge: stack.edge, adminKey, models: defaultModels, mailbox, days, seed: "portal" };
    const { orgs, stop } = await openDemoOrgs(demo);
    await sleep(liveMs);
    // What is photographed and timed stands still.
    stop();
    const email = cast[0]?.people[0]?.email ?? "";
    await askEdge(`${edge}/control/operators`, showKey(adminKey), { email });
    const storageState = await signIn(await browser.newContext(), edge, email);
    const openWindow: Sample["openWindow"] = (options, isNobody = false) =>
      browser.newContext({ ...options, ...(!isNobody && { storageState }) });
    await work({ edge, org: orgs[0]?.id ?? "", openWindow });
  } finally {
    await browser.close();
    await stack.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Signs her in from a page of the portal; her cookies are another window's as well. */
async function signIn(context: BrowserContext, edge: string, email: string) {
  const page = await context.newPage();
  await page.goto(`${edge}/portal/mark.svg`);
  await page.evaluate(async (email) => {
    const post = (path: string, body: object) =>
      fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const { localCode }: { localCode: string } = await (await post("/auth/codes", { email })).json();
    await post("/auth/sign-in/code", { email, code: localCode });
  }, email);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** What stands behind a page's name in its address, so that there is something to see. */
const queries: Readonly<Record<string, string>> = {
  models: "compare=Qwen/Qwen2.5-7B-Instruct,Snowflake/Arctic-Text2SQL-R1-7B",
  usage: "span=30d",
};

/** The pages that a command names, all of them if it names none. */
export function chooseNames(only: readonly string[]): string[] {
  return pageList.map(({ name }) => name).filter((name) => only.length === 0 || only.includes(name));
}

/** Opens a page in a window, and waits until it stands. */
export async function openPage(page: Page, name: string, { edge, org }: Sample): Promise<void> {
  const path = name === "overview" ? "" : name;
  await page.goto(`${edge}/portal/${path}${name === "sign-in" ? "" : `?org=${org}&${queries[name] ?? ""}`}`);
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
}
