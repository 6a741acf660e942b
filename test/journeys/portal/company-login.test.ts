import { randomUUID } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { findFaults, hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");

describe.runIf(hasBrowser())("a company login", () => {
  test("is set up on the settings page, tested there, and offered to whose address is of its domain", async () => {
    const world = worldAt(place);
    const domain = `${randomUUID()}.example.test`;
    const { id: org } = await world.must("POST", "/orgs", { name: "Company" });
    const { secret } = await world.must("POST", `/orgs/${org}/keys`, { name: "admin", kind: "admin" });
    const admin = await visit(secret);
    const { page } = admin;
    await admin.go("settings");
    await page.getByRole("button", { name: "Set it up" }).click();
    await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill("Salt Water");
    await page.getByLabel("Issuer").fill("http://127.0.0.1:9");
    await page.getByLabel("Client id").fill("penstock");
    await page.getByLabel("Client secret").fill("FAKE-client-secret");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("/auth/callback/sso_").waitFor();
    await page.getByLabel("Domain of mail").fill(domain);
    await page.getByRole("button", { name: "Claim" }).click();
    await page.getByText(`TXT record _penstock.${domain}`).waitFor();
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("The company login is out of reach. Try again.").waitFor();
    const proof = `/orgs/${org}/company-login/domains/${domain}/prove`;
    await world.must("POST", proof, { isApproved: true });
    await admin.go("settings");
    await page.getByText("proven", { exact: true }).waitFor();
    await page.getByLabel("Domain of mail").fill(`other.${domain}`);
    await page.getByRole("button", { name: "Claim" }).click();
    await page.getByRole("button", { name: `Look it up: other.${domain}` }).waitFor();
    expect(await findFaults(page)).toEqual([]);
    // It has let nobody in yet.
    await page.getByLabel("Members come by it alone").click();
    await page.getByText("Sign in by the company login once, before it is required.").waitFor();
    expect(await page.content()).not.toContain("FAKE-client-secret");
    expect(admin.complaints).toEqual([]);
    await admin.context.close();

    const visitor = await visit(null);
    await visitor.go("sign-in");
    await visitor.page.getByLabel("E-mail address").fill(`ada@${domain}`);
    await visitor.page.getByRole("button", { name: "Send me a code" }).click();
    await visitor.page.getByRole("button", { name: "Sign in with Salt Water" }).click();
    await visitor.page.getByText("The company login is out of reach.").waitFor();
    await visitor.page.getByRole("button", { name: "Send me a code instead" }).click();
    await visitor.page.getByLabel("Code", { exact: true }).waitFor();
    await visitor.go("sign-in?error=sign_in_failed");
    await visitor.page.getByText("You were not signed in (sign_in_failed).").waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
