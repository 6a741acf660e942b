import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** How a machine comes by a browser. */
export const chromiumMissing = "No Chromium here: apt-get install chromium, or set CHROMIUM to its path.";

/** Where this machine has a Chromium; null where it has none. */
export function findChromium(): string | null {
  const named = process.env["CHROMIUM"];
  return named ?? places.find((path) => existsSync(path)) ?? null;
}

/** Starts a Chromium without a window; throws where there is none. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error(chromiumMissing);
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
  });
}
