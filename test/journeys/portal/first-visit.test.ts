import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import { newEmail } from "#test/support/people/browser.ts";
import { makeOrg, signInByCode, signOut } from "#test/support/portal/people.ts";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");

describe.runIf(hasBrowser())("a first visit", () => {
  test("by a code to an org, a key, a call with the openai SDK, and the call in usage within 5 s", async () => {
    const visitor = await visit(null);
    const { page } = visitor;
    await visitor.go("");
    await signInByCode(visitor, newEmail());
    const org = await makeOrg(visitor, "Salt Water");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("Shown this once").waitFor();
    const apiKey = (await page.locator("[aria-labelledby=first-call] code").first().innerText()).trim();
    const openai = new OpenAI({ baseURL: `${place.edge}/v1`, apiKey });
    const messages = [{ role: "user" as const, content: "Hello!" }];
    const answer = await openai.chat.completions.create({ model: "chat", messages, max_tokens: 4 });
    expect(answer.choices[0]?.message.content).not.toBe("");
    await page.getByText("It has arrived. Welcome!").waitFor({ timeout: 5_000 });
    const bill = await worldAt(place).usage(org);
    expect(bill.map(({ responseId, completionTokens }) => [responseId, completionTokens])).toEqual([
      [answer.id, answer.usage?.completion_tokens],
    ]);
    // She is there by her cookie alone, which no script reads, and still is after a reload.
    expect(await page.evaluate("[document.cookie, sessionStorage.getItem('penstock.key')]")).toEqual(["", null]);
    await page.reload();
    await page.getByText("Salt Water").first().waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("the owner of the demo org signs in to it, no other site writes as her, and out she goes", async () => {
    const visitor = await visit(null);
    const { page } = visitor;
    await visitor.go("keys");
    await signInByCode(visitor, "owner@example.test");
    await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
    const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: "demo" }) });
    await row.waitFor();
    // A key of nobody and of no project tells neither.
    for (const column of [2, 3]) expect(await row.getByRole("cell").nth(column).innerText()).toBe("");
    const listOrgs = async () =>
      (await (await visitor.context.request.get(`${place.edge}/control/whoami`)).json()).orgs;
    const orgs = await listOrgs();
    expect(orgs).toEqual([expect.objectContaining({ name: "demo", role: "owner" })]);
    const other = await visitor.context.newPage();
    await other.setContent(
      `<form method="post" enctype="text/plain" action="${place.edge}/control/orgs">
       <input name='{"name":"forged","x":"' value='"}'></form>`,
    );
    const fromElsewhere = other.waitForResponse((response) => response.request().method() === "POST");
    await other.evaluate("document.forms[0].submit()");
    expect((await fromElsewhere).status()).toBeGreaterThanOrEqual(400);
    expect(await listOrgs()).toEqual(orgs);
    await other.close();
    await signOut(visitor);
    await page.reload();
    await page.getByLabel("E-mail address").waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
