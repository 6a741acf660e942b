import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freePorts } from "#infra/local/child.ts";
import { newEmail } from "#test/support/people/browser.ts";
import { openIssuer } from "#test/support/people/issuer.ts";
import { openMailProvider } from "#test/support/people/mail-provider.ts";
import { askAs, makeOrg, signInByCode } from "#test/support/portal/people.ts";
import { hasBrowser, visit, type Visitor } from "#test/support/portal/visitor.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";

/** People who are reached by mail and by their company: a mail provider, an issuer, and a stack that knows both. */
let own: OwnStack;
let mail: Awaited<ReturnType<typeof openMailProvider>>;
let issuer: Awaited<ReturnType<typeof openIssuer>>;
let edge: string;

beforeAll(async () => {
  if (!hasBrowser()) return;
  const [port = 0] = await freePorts(1);
  edge = `http://127.0.0.1:${port}`;
  mail = await openMailProvider();
  issuer = await openIssuer(`${edge}/auth/callback/company`);
  const { id: clientId, secret } = issuer.client;
  const login = { id: "company", name: "Salt Water Works", issuer: issuer.url, clientId, secret };
  own = await openOwnStack({
    port,
    entry: "test/support/faults/storage-edge.ts",
    vars: { ...mail.vars, OIDC: JSON.stringify([login]) },
  });
});
afterAll(async () => {
  await own?.close();
  await issuer?.close();
  await mail?.close();
});
beforeEach(() => hasBrowser() && Object.assign(mail, { status: 200 }));

/** The text of the newest mail to somebody that has this in it. */
async function readMail(email: string, part: RegExp): Promise<string> {
  for (let tries = 0; tries < 100; tries++, await sleep(50)) {
    const found = mail.mails.findLast(({ body }) => body.to.includes(email) && part.test(body.text));
    const [, wanted = ""] = part.exec(found?.body.text ?? "") ?? [];
    if (wanted !== "") return wanted;
  }
  throw new Error(`no mail to ${email} has ${part}`);
}

/** Somebody new at a page, signed in by the code that they are mailed. */
async function enter(path: string, email = newEmail()): Promise<Visitor & { email: string }> {
  const visitor = await visit(null, { edge });
  await visitor.go(path);
  await signInByCode(visitor, email, () => readMail(email, /^ {4}(\d{6})$/m));
  return { ...visitor, email };
}

/** Asks somebody to join from the Members page. */
async function invite({ page, go }: Visitor, email: string): Promise<void> {
  await go("members");
  await page.getByRole("button", { name: "Invite somebody" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail address").fill(email);
  await dialog.getByRole("button", { name: "Invite somebody" }).click();
}

/** Follows the link of an invitation as its holder, and joins. */
async function join(link: string, email: string, org: string): Promise<Visitor> {
  const visitor = await enter(link.slice(link.indexOf("/portal/") + "/portal/".length), email);
  await visitor.page.getByRole("button", { name: "Join it" }).click();
  await visitor.page.getByRole("heading", { name: org, level: 1 }).waitFor();
  return visitor;
}

describe.runIf(hasBrowser())("people", () => {
  test("are invited by mail, join, may what their role may, and leave their keys to others", async () => {
    const owner = await enter("");
    const org = await makeOrg(owner, "Salt Water");
    const email = newEmail();
    await invite(owner, email);
    const link = await readMail(email, /^ {4}(\S+\/portal\/invitation#\S+)$/m);
    const hers = await join(link, email, "Salt Water");
    // What a developer may not is no button, and the API refuses it all the same.
    expect(await hers.page.getByRole("link", { name: "Audit" }).count()).toBe(0);
    await hers.go("members");
    await hers.page.getByRole("cell", { name: "Owner" }).waitFor();
    expect(await hers.page.getByRole("button", { name: "Invite somebody" }).count()).toBe(0);
    for (const [method, path] of [
      ["POST", "invitations"],
      ["GET", "audit"],
      ["POST", "projects"],
    ] as const) {
      const body = method === "GET" ? undefined : { name: "x", email: newEmail(), role: "viewer" };
      expect(await askAs(hers, method, `/control/orgs/${org}/${path}`, body)).toMatchObject({ status: 403 });
    }
    await hers.go("keys");
    await hers.page.getByRole("button", { name: "Create a key" }).first().click();
    const panel = hers.page.getByRole("dialog");
    expect(await panel.getByLabel("Owner").count()).toBe(0);
    await panel.getByLabel("Name").fill("night shift");
    await panel.getByRole("button", { name: "Create a key" }).click();
    const secret = (await hers.page.locator("[data-secret]").innerText()).trim();
    expect((await own.world.chat(secret, { max_tokens: 2 })).status).toBe(200);

    await owner.go("members");
    await owner.page.getByRole("button", { name: `Remove ${email}` }).click();
    const removal = owner.page.getByRole("dialog");
    await removal.getByText("1 key ends with them:").waitFor();
    await removal.getByText("night shift").waitFor();
    await removal.getByLabel("Hand over first").click();
    await owner.page.getByRole("option", { name: owner.email }).click();
    await removal.getByRole("button", { name: "Remove", exact: true }).click();
    await removal.waitFor({ state: "detached" });
    expect((await own.world.chat(secret, { max_tokens: 2 })).status).toBe(200);
    const [key] = (await own.world.must("GET", `/orgs/${org}/keys`)).keys;
    const [member] = (await own.world.must("GET", `/orgs/${org}/members`)).members;
    expect([key.name, key.owner, key.state]).toEqual(["night shift", member.user, "active"]);
    expect(await askAs(hers, "GET", `/control/orgs/${org}/keys`)).toMatchObject({ status: 404 });
    expect([...owner.complaints, ...hers.complaints]).toEqual([]);
    await owner.context.close();
    await hers.context.close();
  });

  test("a mail that does not go out leaves a link to hand over; sent again it is another one", async () => {
    const owner = await enter("");
    const { page } = owner;
    await makeOrg(owner, "Salt Water");
    const email = newEmail();
    mail.status = 500;
    await invite(owner, email);
    const link = await page.getByRole("dialog").locator("[data-secret]").innerText();
    expect(link).toContain("/portal/invitation#");
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: `Send the invitation of ${email} again` }).click();
    const next = await page.locator("main [data-secret]").innerText();
    expect(next).not.toBe(link);
    mail.status = 200;
    const hers = await join(next, email, "Salt Water");
    const late = newEmail();
    await invite(owner, late);
    await readMail(late, /(\/portal\/invitation#\S+)/);
    await page.getByRole("button", { name: `Withdraw the invitation of ${late}` }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await page.getByText("No invitation is open.").waitFor();
    expect([...owner.complaints, ...hers.complaints]).toEqual([]);
    await owner.context.close();
    await hers.context.close();
  });

  test("the last owner cannot leave, and is told why", async () => {
    const owner = await enter("");
    await makeOrg(owner, "Salt Water");
    await owner.go("account");
    await owner.page.getByRole("button", { name: "Leave Salt Water" }).click();
    const dialog = owner.page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Leave", exact: true }).click();
    await dialog.getByText("The last owner stays.").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await owner.page.getByRole("link", { name: "Salt Water" }).waitFor();
    expect(owner.complaints).toEqual([]);
    await owner.context.close();
  });

  test("hear by mail what share of a budget is spent", async () => {
    const owner = await enter("");
    const { page } = owner;
    const org = await makeOrg(owner, "Salt Water");
    await owner.go("limits");
    await page.getByRole("button", { name: "Add a budget" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("A month, in USD").fill("0.000001");
    await dialog.getByRole("button", { name: "Add a budget" }).click();
    await dialog.waitFor({ state: "detached" });
    const { secret } = await own.world.newKey(org);
    await (await own.world.chat(secret, { max_tokens: 4 })).text();
    await own.world.settled(org);
    // Nothing rings for the cron on this machine.
    expect((await fetch(`${edge}/test/chores`)).status).toBe(204);
    expect(await readMail(owner.email, /The budget of the organization "(.*)" for/)).toBe("Salt Water");
    expect(mail.mails.filter(({ body }) => body.subject.startsWith("100 % of a budget of"))).toHaveLength(1);
    expect(owner.complaints).toEqual([]);
    await owner.context.close();
  });

  test("sign in by their company, come to where they were going, and hear why they are not let in", async () => {
    const known = await enter("");
    await known.context.close();
    Object.assign(issuer.current, { sub: known.email, email: known.email, isVerified: false });
    const visitor = await visit(null, { edge });
    const { page } = visitor;
    await visitor.go("account");
    await page.getByRole("button", { name: "Sign in with Salt Water Works" }).click();
    await page.getByText("You were not signed in").waitFor();
    Object.assign(issuer.current, { isVerified: true });
    await visitor.go("account");
    await page.getByRole("button", { name: "Sign in with Salt Water Works" }).click();
    await page.getByRole("heading", { name: "My account" }).waitFor();
    await page.getByText(known.email).first().waitFor();
    expect(new URL(page.url()).pathname).toBe("/portal/account");
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
