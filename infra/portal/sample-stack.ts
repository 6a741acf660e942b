import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pageList } from "#edge/portal/page-list.ts";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { openDemo } from "../local/demo.ts";
import { startStack } from "../local/stack.ts";
import { openBrowser } from "./browser.ts";
import { ensurePortal } from "./build-portal.ts";
import { fillOrg, type FilledOrg } from "./sample-org.ts";

/** A stack with an org that has something to show, and a browser. */
export interface Sample extends FilledOrg {
  edge: string;
  browser: Browser;
  /** A window of her who looks at the org, signed in; of nobody if `isNobody`. */
  openWindow(options: BrowserContextOptions, isNobody?: boolean): Promise<BrowserContext>;
}

/** Opens a sample for as long as `work` takes. */
export async function withSampleStack(work: (sample: Sample) => Promise<void>): Promise<void> {
  await ensurePortal();
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-"));
  const logs: string[] = [];
  const log = (_: string, line: string) => void logs.push(line);
  const stack = await startStack({ port: 0, stateDir, simulatorArgs: ["--step-ms", "5"], log });
  const hooks = createServer((_, response) => void response.writeHead(204).end());
  await new Promise<void>((done) => hooks.listen(0, "127.0.0.1", done));
  const browser = await openBrowser();
  try {
    const edge = stack.edge.url;
    const { adminKey: operatorKey } = await openDemo(stateDir, edge, stack.secrets.bootstrapToken);
    const address = hooks.address();
    const hookUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/events`;
    const filled = await fillOrg({ edge, operatorKey, hookUrl, readLink: (email) => readLink(logs, email) });
    const state = await signIn(browser, edge, filled.email);
    const openWindow: Sample["openWindow"] = (options, isNobody = false) =>
      browser.newContext({ ...options, ...(!isNobody && { storageState: state }) });
    await work({ edge, browser, openWindow, ...filled });
  } finally {
    await browser.close();
    hooks.closeAllConnections();
    hooks.close();
    await stack.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** The link of an invitation, from the log in which the local mailer leaves it. */
async function readLink(logs: readonly string[], email: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++, await sleep(50)) {
    const line = logs.findLast(
      (one) => one.includes("local_mail") && one.includes(email) && one.includes("invitation#"),
    );
    const link = /https?:[^\s\\]+\/portal\/invitation#\w+/.exec(line ?? "")?.[0];
    if (link) return link;
  }
  throw new Error(`no invitation of ${email} is in the log`);
}

/** Signs her in from a page of the portal; her cookies are another window's as well. */
async function signIn(browser: Browser, edge: string, email: string) {
  const context = await browser.newContext();
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
  usage: "span=7d",
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
