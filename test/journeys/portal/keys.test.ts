import { execFile } from "node:child_process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { hasBrowser, visit, type Visitor } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");
const world = worldAt(place);
const run = promisify(execFile);

/** An org that has nothing, and a visitor with its own admin key. */
async function enterNewOrg(name = "test"): Promise<{ org: string; visitor: Visitor; page: Page }> {
  const { id: org } = await world.must("POST", "/orgs", { name });
  const { secret } = await world.newKey(org, { kind: "admin", name: "admin" });
  const visitor = await visit(secret);
  return { org, visitor, page: visitor.page };
}

/** The text of a key as the page shows it this once. */
const readSecret = async (page: Page) => (await page.locator("[data-secret]").innerText()).trim();

describe.runIf(hasBrowser())("keys", () => {
  beforeAll(() => expect(place.edge).toMatch(/^http/));

  test("a new org comes to its first call in three steps, which tick off as it arrives", async () => {
    const { visitor, page } = await enterNewOrg();
    await visitor.go("");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("Shown this once").waitFor();
    const curl = await page.getByRole("tabpanel").innerText();
    expect(curl).toMatch(/^curl '.*\/v1\/chat\/completions' /);
    const { stdout } = await run("bash", ["-c", `${curl} -s`]);
    expect(JSON.parse(stdout).choices[0].message.content).not.toBe("");
    await page.getByText("It has arrived. Welcome!").waitFor({ timeout: 20_000 });
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("a key is made with scopes, shown once, rotated with an overlap, and revoked at once", async () => {
    const { org, visitor, page } = await enterNewOrg();
    await visitor.go("keys");
    await page.getByRole("button", { name: "Create a key" }).first().click();
    const panel = page.getByRole("dialog");
    await panel.getByLabel("Name").fill("production");
    await panel.getByLabel("IP addresses").fill("not a network");
    await panel.getByRole("button", { name: "Create a key" }).click();
    // What the API refuses is said at its field, and nothing typed is lost.
    await panel.getByText(/Give an IPv4 or IPv6 range/).waitFor();
    await panel.getByLabel("IP addresses").fill("");
    await panel.getByLabel("Requests per minute").fill("100");
    await panel.getByRole("button", { name: "Create a key" }).click();
    const secret = await readSecret(page);
    expect((await world.chat(secret, { max_tokens: 2 })).status).toBe(200);
    await panel.getByRole("button", { name: "I have kept it" }).click();
    await panel.waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(secret);

    await page.getByRole("button", { name: "production" }).click();
    expect(page.url()).toMatch(/[?&]key=key_/);
    await page.getByRole("button", { name: "Rotate" }).click();
    await page.getByLabel("An hour").click();
    await page.getByRole("dialog", { name: "Rotate this key" }).getByRole("button", { name: "Rotate" }).click();
    const next = await readSecret(page);
    expect((await world.chat(next, { max_tokens: 2 })).status).toBe(200);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page
      .getByText(/ends in (59|60) min/)
      .first()
      .waitFor();

    await visitor.go(`keys?key=${(await world.must("GET", `/orgs/${org}/keys`)).keys[0].id}`);
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog", { name: "Revoke this key?" }).getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The key is revoked: the next call with it is refused.", { exact: true }).waitFor();
    expect((await world.chat(next, { max_tokens: 2 })).status).toBe(401);
    await page.getByText("in force since").first().waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("hostile names are shown as the text they are", async () => {
    const formula = '=HYPERLINK("https://evil.example.test")';
    const fromRight = "\u05D0\u05D1\u05D2 (1)";
    const hostile = [
      "<img src=x onerror=alert(1)>",
      "{{ 7*7 }} javascript:alert(1)",
      "W".repeat(100),
      fromRight,
      formula,
    ];
    const { org, visitor, page } = await enterNewOrg("<script>alert(document.domain)</script>");
    for (const name of hostile) await world.newKey(org, { name });
    await visitor.go("keys");
    for (const name of hostile) await page.getByRole("button", { name, exact: true }).waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
    // Letters that run from right to left turn nothing beside them; marks that would are refused at their field.
    const name = page.getByRole("button", { name: fromRight, exact: true });
    expect(await name.evaluate((one) => getComputedStyle(one).unicodeBidi)).toBe("isolate");
    await page.getByRole("button", { name: "Create a key" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("\u202Eyek");
    await page.getByRole("dialog").getByRole("button", { name: "Create a key" }).click();
    await page.getByRole("dialog").getByText("'name' must not have control characters").waitFor();
    await page.keyboard.press("Escape");
    // What a spreadsheet would reckon is text in a saved table, too.
    const { secret } = await world.newKey(org, { name: formula });
    await (await world.chat(secret, { max_tokens: 2 })).text();
    await world.settled(org);
    await visitor.go("usage?group=key");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).first().click();
    expect(await text(await (await saved).createReadStream())).toContain(`"'=HYPERLINK(""https`);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await visitor.go("");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("<script>alert(document.domain)</script>");
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
