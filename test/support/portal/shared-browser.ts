import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import { chromiumMissing, findChromium } from "#infra/portal/browser.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the one browser of all journeys listens; null where this machine has none. */
    browserUrl: string | null;
  }
}

/** One browser for all journeys through the portal; where there is none they are skipped, and one line says so. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const executablePath = findChromium();
  if (executablePath === null) {
    console.warn(`skipped: every journey through the portal. ${chromiumMissing}`);
    project.provide("browserUrl", null);
    return async () => undefined;
  }
  const server = await chromium.launchServer({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  project.provide("browserUrl", server.wsEndpoint());
  return () => server.close();
}
