import { describe, expect, inject, test } from "vitest";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");
const world = worldAt(place);

describe.runIf(hasBrowser())("sessions", () => {
  test("whoever has an address comes to it after signing in; a wrong key says so with its request id", async () => {
    const { id: org } = await world.must("POST", "/orgs", { name: "Salt Water" });
    const { secret } = await world.newKey(org, { kind: "admin", name: "admin" });
    const visitor = await visit(null);
    const { page } = visitor;
    await visitor.go("limits");
    await page.getByRole("button", { name: "With an admin key" }).click();
    await page.getByLabel("Admin key").fill("sk-pen-admin-wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page
      .getByRole("alert")
      .getByText(/Request req_/)
      .waitFor();
    await page.getByLabel("Admin key").fill(secret);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Limits and budgets" }).waitFor();
    expect(new URL(page.url()).searchParams.get("org")).toBe(org);
    // Only what an admin may do is offered.
    expect(await page.getByRole("link", { name: "Nodes" }).count()).toBe(0);
    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByLabel("E-mail address").waitFor();
    expect(await page.evaluate("sessionStorage.getItem('penstock.key')")).toBeNull();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("a session that ends in the middle of a form loses nothing that was typed", async () => {
    const { id: org } = await world.must("POST", "/orgs", { name: "test" });
    const first = await world.newKey(org, { kind: "admin", name: "first" });
    const second = await world.newKey(org, { kind: "admin", name: "second" });
    const visitor = await visit(first.secret);
    const { page } = visitor;
    await visitor.go("keys?new=1");
    await page.getByLabel("Name").fill("typed before the end");
    await world.must("POST", `/orgs/${org}/keys/${first.id}/revoke`);
    await page.getByRole("dialog").getByRole("button", { name: "Create a key" }).click();
    await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
    await page.getByRole("button", { name: "With an admin key" }).click();
    await page.getByLabel("Admin key").fill(second.secret);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Your session has ended" }).waitFor({ state: "detached" });
    expect(await page.getByLabel("Name").inputValue()).toBe("typed before the end");
    await page.getByRole("dialog").getByRole("button", { name: "Create a key" }).click();
    await page.locator("[data-secret]").waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("⌘K finds pages, keys and a call, by the keyboard alone", async () => {
    const org = await world.newOrg();
    await world.newKey(org.id, { name: "the blue key" });
    const call = await world.chat(org.key, { max_tokens: 2 });
    await call.text();
    await world.settled(org.id);
    const visitor = await visit(place.adminKey);
    const { page } = visitor;
    await visitor.go(`?org=${org.id}`);
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder(/A page, a key/).fill("blue");
    await page.getByRole("option", { name: /the blue key/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/[?&]key=key_/);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder(/A page, a key/).fill(call.headers.get("x-request-id") ?? "");
    await page.getByRole("option", { name: /Show the call/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("Completion tokens").last().waitFor();
    await page
      .getByText(call.headers.get("x-penstock-hold") ?? "")
      .first()
      .waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
