import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Asking, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const invite = async (email: string, role = "developer") => {
  const path = `/control/orgs/${world.a.org}/invitations`;
  const { body } = await world.ask("POST", path, { key: world.a.admin, body: { email, role } });
  const token = /#(\w+)/.exec(world.mailer.mails.at(-1)?.text ?? "")?.[1] ?? "";
  return { id: body.id as string, token };
};
const accept = (token: string, asking: Asking) =>
  world.ask("POST", "/control/invitations/accept", { ...asking, body: { token } });
const roleIn = async (org: string, user: string) =>
  (await world.select("SELECT role FROM members WHERE org = ? AND user = ?", org, user))[0]?.["role"];

it("makes whoever has proven the address a member, once, and says so in the org's log", async () => {
  const guest = await world.signIn(null, "viewer");
  const { id, token } = await invite(guest.person.email);
  const answer = await accept(token, guest);
  expect([answer.status, answer.body]).toEqual([200, { org: world.a.org, name: "Org A", role: "developer" }]);
  expect(await roleIn(world.a.org, guest.user)).toBe("developer");
  expect((await world.ask("GET", `/control/orgs/${world.a.org}`, guest)).status).toBe(200);
  const [entry] = await world.select("SELECT * FROM audit WHERE target = ? AND action = 'member.added'", guest.user);
  expect(JSON.parse(entry?.["after"])).toMatchObject({ role: "developer", invitation: id, invitedBy: world.a.adminId });
  // Whoever repeats it hears the same, until they are no member any more: it does not let them in again.
  expect((await accept(token, guest)).body).toEqual(answer.body);
  await world.ask("DELETE", `/control/orgs/${world.a.org}/members/${guest.user}`, { key: world.a.admin });
  expect((await accept(token, guest)).status).toBe(404);
  expect(await roleIn(world.a.org, guest.user)).toBeUndefined();
});

it("is one and the same refusal for every token that is not for them (S15, P2)", async () => {
  const guest = await world.signIn(null, "viewer");
  const other = await world.signIn(world.b.org, "owner");
  const unknown = await accept("x".repeat(43), guest);
  expect([unknown.status, unknown.body.error.code]).toEqual([404, "not_found"]);
  const same = async (token: string, asking: Asking) => {
    const answer = await accept(token, asking);
    expect([answer.status, answer.text]).toEqual([unknown.status, unknown.text]);
  };
  const first = await invite(guest.person.email);
  await same(first.token, other);
  await same(`${first.token}x`, guest);
  await world.ask("DELETE", `/control/orgs/${world.a.org}/invitations/${first.id}`, { key: world.a.admin });
  await same(first.token, guest);
  const over = await invite(guest.person.email);
  world.clock.offsetMs = 7 * 86_400_000 + 1_000;
  await same(over.token, guest);
  world.clock.offsetMs = 61_000;
  await world.ask("POST", `/control/orgs/${world.a.org}/invitations/${over.id}/resend`, { key: world.a.admin });
  world.clock.offsetMs = 0;
  await same(over.token, guest);
  expect(await roleIn(world.a.org, guest.user)).toBeUndefined();
  expect(await roleIn(world.a.org, other.user)).toBeUndefined();
});

it("is used once, however many ask at a time", async () => {
  const guest = await world.signIn(null, "viewer");
  const { token } = await invite(guest.person.email, "viewer");
  const answers = await Promise.all([1, 2, 3, 4].map(() => accept(token, guest)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const entries = await world.select("SELECT seq FROM audit WHERE target = ?", guest.user);
  expect(entries.length).toBe(1);
});

it("trusts no address that sign-in has not proven", async () => {
  const guest = await world.signIn(null, "viewer");
  const { token } = await invite(guest.person.email);
  await world.select("UPDATE auth_users SET email_verified = 0 WHERE id = ?", guest.user);
  expect((await accept(token, guest)).status).toBe(404);
  await world.select("UPDATE auth_users SET email_verified = 1 WHERE id = ?", guest.user);
  expect((await accept(token, guest)).status).toBe(200);
});

it("changes no role of a member, and opens no org that is suspended or closed", async () => {
  const guest = await world.signIn(null, "viewer");
  const { token } = await invite(guest.person.email, "admin");
  await world.select("INSERT INTO members VALUES (?, ?, 'viewer', 1, 1)", world.a.org, guest.user);
  expect((await accept(token, guest)).body.error.code).toBe("conflict");
  expect(await roleIn(world.a.org, guest.user)).toBe("viewer");
  await world.select("DELETE FROM members WHERE user = ?", guest.user);
  const suspend = (isSuspended: boolean) =>
    world.ask("PATCH", `/control/orgs/${world.a.org}`, { body: { isSuspended } });
  await suspend(true);
  expect((await accept(token, guest)).body.error.code).toBe("org_suspended");
  await world.select("UPDATE orgs SET closed_at_ms = 1 WHERE id = ?", world.a.org);
  expect((await accept(token, guest)).body.error.code).toBe("not_found");
  await suspend(false);
  expect((await accept(token, guest)).status).toBe(200);
});

it("refuses keys, who is not signed in, another site's page and a body that is none", async () => {
  const guest = await world.signIn(null, "viewer");
  const { token } = await invite(guest.person.email);
  expect((await accept(token, { key: world.a.admin })).status).toBe(403);
  expect((await accept(token, { key: world.operator.key })).status).toBe(403);
  expect((await accept(token, { key: null })).status).toBe(401);
  const foreign = { ...guest, headers: { ...guest.headers, origin: "https://elsewhere.example.test" } };
  expect((await accept(token, foreign)).status).toBe(403);
  for (const body of [{}, { token: "" }, { token: 1 }, { token, org: world.a.org }])
    expect((await world.ask("POST", "/control/invitations/accept", { ...guest, body })).status).toBe(400);
  expect(await roleIn(world.a.org, guest.user)).toBeUndefined();
});
