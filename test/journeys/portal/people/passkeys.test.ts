import { describe, expect, inject, test } from "vitest";
import { newEmail } from "#test/support/people/browser.ts";
import { signInByCode, signOut } from "#test/support/portal/people.ts";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";

/** A browser gives a bare IP address no passkey. */
const edge = inject("place").edge.replace("127.0.0.1", "localhost");

describe.runIf(hasBrowser())("a passkey", () => {
  test("is made in the browser, signs in without a code, and opens nothing once it is removed", async () => {
    const visitor = await visit(null, { edge });
    const { page, context } = visitor;
    const devices = await context.newCDPSession(page);
    await devices.send("WebAuthn.enable");
    await devices.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
      },
    });
    await visitor.go("account");
    await signInByCode(visitor, newEmail());
    await page.getByLabel("Name of a passkey").fill("laptop");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("The passkey is added.", { exact: true }).waitFor();
    await signOut(visitor);
    await page.getByRole("button", { name: "Passkey" }).click();
    await page.getByRole("heading", { name: "No organization yet" }).waitFor();
    const me = await (await context.request.get(`${edge}/auth/session`)).json();
    expect(me.session.hasSecondFactor).toBe(true);
    await visitor.go("account");
    await page.getByRole("button", { name: "Remove the passkey laptop" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("The passkey is gone.", { exact: true }).waitFor();
    await signOut(visitor);
    await page.getByRole("button", { name: "Passkey" }).click();
    await page.getByRole("alert").waitFor();
    expect(visitor.complaints).toEqual([]);
    await context.close();
  });
});
