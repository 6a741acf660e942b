import type { Page } from "playwright-core";
import type { Visitor } from "./visitor.ts";

const sixDigits = /\b\d{6}\b/;

/** The code that the sign-in page itself shows, as it does where mail stays on this machine. */
async function readBanner(page: Page): Promise<string> {
  return sixDigits.exec(await page.getByText(sixDigits).innerText())?.[0] ?? "";
}

/** Signs in by a code; how it is read is another way where mail goes out. */
export async function signInByCode({ page }: Visitor, email: string, readCode = readBanner): Promise<void> {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("Code", { exact: true }).waitFor();
  await page.getByLabel("Code", { exact: true }).fill(await readCode(page));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Makes the org that whoever has none is asked for; returns its id. */
export async function makeOrg({ page }: Visitor, name: string): Promise<string> {
  await page.getByLabel("Name of your organization").fill(name);
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  return new URL(page.url()).searchParams.get("org") ?? "";
}

export async function signOut({ page }: Visitor): Promise<void> {
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByLabel("E-mail address").waitFor();
}

/** Asks the API as the page itself would, with its cookie and from its origin. */
export async function askAs(
  { page }: Visitor,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; code: string | null }> {
  return page.evaluate(
    async ([method, path, body]) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(path, { method, headers, ...(body !== null && { body }) });
      const said: { error?: { code?: string } } = await answer.json();
      return { status: answer.status, code: said.error?.code ?? null };
    },
    [method, path, body === undefined ? null : JSON.stringify(body)] as const,
  );
}
