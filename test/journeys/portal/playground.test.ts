import { describe, expect, inject, test } from "vitest";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");
const world = worldAt(place);

async function enterPlayground(query = "") {
  const { id: org } = await world.newOrg();
  const { secret } = await world.newKey(org, { kind: "admin", name: "admin" });
  const visitor = await visit(secret);
  await visitor.go(`playground${query}`);
  return { org, visitor, page: visitor.page };
}

describe.runIf(hasBrowser())("the playground", () => {
  test("two models answer side by side, each with tier, tokens, cost and speed, and are on the bill", async () => {
    const models = "Qwen/Qwen2.5-7B-Instruct,Snowflake/Arctic-Text2SQL-R1-7B";
    const { org, visitor, page } = await enterPlayground(`?models=${encodeURIComponent(models)}`);
    await page.getByLabel("Tokens at most").fill("40");
    await page.getByLabel("Prompt").fill("Tell me a story");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "On the bill" }).nth(1).waitFor();
    const facts = await page.getByRole("article").first().innerText();
    const parts = [/Tier\s+shared/, /Tokens\s+\d+ → 40/, /Cost\s+\$0\.\d+/, /First token\s+\d+/, /Tokens\/s\s+[\d.]+/];
    for (const part of parts) expect(facts).toMatch(part);
    const rows = await world.settled(org);
    expect(rows.map(({ model }) => model).sort()).toEqual(models.split(",").sort());
    const shown = await page.getByRole("article").locator("dl").allInnerTexts();
    for (const { costMicros } of rows)
      expect(shown.some((text) => text.includes((Number(costMicros) / 1e6).toFixed(6).replace(/0+$/, "")))).toBe(true);
    await page.getByRole("button", { name: "Code" }).click();
    await page.getByRole("tab", { name: "Python" }).click();
    expect(await page.getByRole("tabpanel").innerText()).toContain("max_tokens=40");
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("an answer that is stopped says so, and one that breaks is taken for no whole one", async () => {
    const { visitor, page } = await enterPlayground();
    await page.getByLabel("Tokens at most").fill("4000");
    await page.getByLabel("Prompt").fill("Tell me a story");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("[data-answer]").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("You stopped it.").waitFor();
    const half = { choices: [{ delta: { content: "half an ans" } }] };
    await page.route("**/v1/chat/completions", (route) =>
      route.fulfill({
        status: 200,
        headers: { "content-type": "text/event-stream", "x-request-id": "req_broken" },
        body: `data: ${JSON.stringify(half)}\n\n`,
      }),
    );
    await page.getByLabel("Prompt").fill("And then?");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("The answer broke off; this is not all of it.").waitFor();
    await page.getByText("Request req_broken").waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
