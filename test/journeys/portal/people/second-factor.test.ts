import { describe, expect, test } from "vitest";
import { computeTotp, newEmail } from "#test/support/people/browser.ts";
import { askAs, makeOrg, signInByCode, signOut } from "#test/support/portal/people.ts";
import { hasBrowser, visit, type Visitor } from "#test/support/portal/visitor.ts";

const stepMs = 30_000;

/** Sets up the authenticator app on the account page, as a person reads it there; returns what she keeps. */
async function setUpApp({ page }: Visitor): Promise<{ uri: string; backupCodes: string[] }> {
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  await page.getByRole("img", { name: "QR code of the authenticator app's secret" }).waitFor();
  const uri = `otpauth://totp/x?secret=${(await page.locator("main code").first().innerText()).trim()}`;
  const backupCodes = (await page.locator("[data-secret]").innerText()).trim().split("\n");
  // Of half a minute ago, so that the one of now is still good for the next sign-in.
  await page.getByLabel("The code that the app shows now").fill(computeTotp(uri, Date.now() - stepMs));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("button", { name: "Remove the authenticator app" }).waitFor();
  return { uri, backupCodes };
}

async function showSecond({ page }: Visitor, code: string): Promise<void> {
  await page.getByLabel("Code of your authenticator, or a backup code").fill(code);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

describe.runIf(hasBrowser())("a second factor", () => {
  test("is set up, asked for at the next sign-in, and a backup code stands in for it, once", async () => {
    const visitor = await visit(null);
    const { page } = visitor;
    const email = newEmail();
    await visitor.go("account");
    await signInByCode(visitor, email);
    const { uri, backupCodes } = await setUpApp(visitor);
    expect(backupCodes.length).toBeGreaterThanOrEqual(8);
    await signOut(visitor);
    await signInByCode(visitor, email);
    await showSecond(visitor, computeTotp(uri, Date.now()));
    await page.getByRole("button", { name: "Account" }).waitFor();
    for (const isFirst of [true, false]) {
      await signOut(visitor);
      await signInByCode(visitor, email);
      await showSecond(visitor, backupCodes[0] ?? "");
      if (isFirst) await page.getByRole("button", { name: "Account" }).waitFor();
      else await page.getByRole("alert").waitFor();
      if (!isFirst) await showSecond(visitor, backupCodes[1] ?? "");
      await page.getByRole("button", { name: "Account" }).waitFor();
    }
    await visitor.go("account");
    await page.getByRole("button", { name: "Remove the authenticator app" }).click();
    const sure = page.getByRole("dialog", { name: "Remove the authenticator app" });
    await sure.getByRole("button", { name: "Remove the authenticator app" }).click();
    await page.getByRole("button", { name: "Set up an authenticator app" }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("an org may ask for one: who has none may do nothing there until she has set it up", async () => {
    const visitor = await visit(null);
    const { page } = visitor;
    await visitor.go("");
    await signInByCode(visitor, newEmail());
    const org = await makeOrg(visitor, "Careful");
    await visitor.go("settings");
    await page.getByRole("switch", { name: "Members need a second factor" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Require it" }).click();
    await page.getByText("This organization needs a second factor").waitFor();
    expect(await page.getByRole("link", { name: "Keys" }).count()).toBe(0);
    expect(await askAs(visitor, "GET", `/control/orgs/${org}/keys`)).toMatchObject({ status: 403 });
    await page.getByRole("link", { name: "Go to your account" }).click();
    await setUpApp(visitor);
    await page.getByText("This organization needs a second factor").waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByRole("cell", { name: "set up" }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
