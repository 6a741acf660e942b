import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pageList } from "#edge/portal/page-list.ts";
import type { Page } from "playwright-core";
import { openDemo } from "../local/demo.ts";
import { startStack } from "../local/stack.ts";
import { ensurePortal } from "./build-portal.ts";
import { fillOrg, type FilledOrg } from "./sample-org.ts";

/** A stack of its own with an org that has something to show, for as long as `work` takes. */
export async function withSampleStack(work: (edge: string, filled: FilledOrg) => Promise<void>): Promise<void> {
  await ensurePortal();
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-"));
  const stack = await startStack({ port: 0, stateDir, simulatorArgs: ["--step-ms", "5"] });
  try {
    const demo = await openDemo(stateDir, stack.edge.url, stack.secrets.bootstrapToken);
    await work(stack.edge.url, await fillOrg(stack.edge.url, demo.adminKey));
  } finally {
    await stack.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
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

/** Opens a page as somebody who is signed in, save the sign-in page, and waits until it stands. */
export async function openPage(page: Page, edge: string, name: string, { org, adminKey }: FilledOrg): Promise<void> {
  await page.goto(`${edge}/portal/mark.svg`);
  await page.evaluate(
    (key) => (key === null ? sessionStorage.clear() : sessionStorage.setItem("penstock.key", key)),
    name === "sign-in" ? null : adminKey,
  );
  const path = name === "overview" ? "" : name;
  await page.goto(`${edge}/portal/${path}${name === "sign-in" ? "" : `?org=${org}&${queries[name] ?? ""}`}`);
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
}
