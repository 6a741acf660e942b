import type { Page } from "playwright-core";
import { describe, expect, inject, test } from "vitest";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const pressesMax = 60;

/** What has the focus, as its reader is told it. */
const readFocus = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const one = document.activeElement;
    return one?.getAttribute("aria-label") ?? one?.textContent?.trim() ?? "";
  });

/** Presses Tab until what has the focus is called this. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < pressesMax; presses++) {
    await page.keyboard.press("Tab");
    if ((await readFocus(page)) === name) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}

describe.runIf(hasBrowser())("the keyboard alone", () => {
  test("makes a key: past the pages, through the form, to its text, and back to where one was", async () => {
    const { id: org } = await world.must("POST", "/orgs", { name: "test" });
    const { secret: adminKey } = await world.newKey(org, { kind: "admin", name: "admin" });
    const visitor = await visit(adminKey);
    const { page } = visitor;
    await visitor.go("keys");
    await page.keyboard.press("Tab");
    expect(await readFocus(page)).toBe("Skip to the page");
    await page.keyboard.press("Enter");
    await tabTo(page, "Create a key");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Create a key" });
    await dialog.waitFor();
    // The focus cannot leave the dialog, whichever way it goes.
    for (const key of ["Shift+Tab", "Shift+Tab", "Tab", "Tab"]) {
      await page.keyboard.press(key);
      expect(await page.evaluate("document.activeElement.closest('[role=dialog]') !== null")).toBe(true);
    }
    await dialog.getByLabel("Name").focus();
    await page.keyboard.type("typed");
    await page.keyboard.press("Enter");
    await page.locator("[data-secret]").waitFor();
    const secret = (await page.locator("[data-secret]").innerText()).trim();
    await tabTo(page, "I have kept it");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await readFocus(page)).toBe("Create a key");
    expect((await world.chat(secret, { max_tokens: 2 })).status).toBe(200);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
