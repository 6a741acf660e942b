import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openWorld, type Asking, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());
beforeEach(() => {
  world.mailer.fails = false;
  world.control.mailer = world.mailer;
  world.clock.offsetMs = 0;
});

let count = 0;
const fresh = () => `guest${++count}@example.test`;
const invite = (org: string, body: Json, asking: Asking = { key: world.a.admin }) =>
  world.ask("POST", `/control/orgs/${org}/invitations`, { ...asking, body });
const resend = (id: string, asking: Asking = { key: world.a.admin }) =>
  world.ask("POST", `/control/orgs/${world.a.org}/invitations/${id}/resend`, asking);
const revoke = (id: string, asking: Asking = { key: world.a.admin }) =>
  world.ask("DELETE", `/control/orgs/${world.a.org}/invitations/${id}`, asking);
const list = async (query = "") =>
  (await world.ask("GET", `/control/orgs/${world.a.org}/invitations${query}`, { key: world.a.admin })).body;
const linkIn = (text: string) => /https?:\S+/.exec(text)?.[0] ?? "";

it("mails a link whose token stands nowhere else, for seven days", async () => {
  const admin = await world.signIn(world.a.org, "admin", { name: "Ada" });
  const email = fresh();
  const answer = await invite(world.a.org, { email: ` ${email.toUpperCase()} `, role: "developer" }, admin);
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({ email, role: "developer", state: "open", isMailed: true, resend: null });
  const inDays = (Date.parse(answer.body.expiresAt) - Date.parse(answer.body.createdAt)) / 86_400_000;
  expect(inDays).toBe(7);
  const mail = world.mailer.mails.at(-1);
  expect(mail).toMatchObject({ to: email, subject: "You are invited to Org A" });
  expect(mail?.text).toContain("Ada");
  const link = new URL(linkIn(mail?.text ?? ""));
  expect([link.origin, link.pathname]).toEqual(["http://edge.test", "/portal/invitation"]);
  const token = link.hash.slice(1);
  expect(token).toMatch(/^[0-9A-Za-z]{43}$/);
  const tables = ["invitations", "audit", "events"];
  const stored = JSON.stringify(await Promise.all(tables.map((table) => world.select(`SELECT * FROM ${table}`))));
  expect(stored).toContain(email);
  for (const text of [stored, answer.text, world.logs.join()]) expect(text).not.toContain(token);
  const [entry] = await world.select("SELECT * FROM audit WHERE target = ?", answer.body.id);
  expect(entry).toMatchObject({ action: "invitation.created", actor: admin.user });
});

it("says when its mail did not go out, and where to send it again, at once", async () => {
  world.mailer.fails = true;
  const { status, body } = await invite(world.a.org, { email: fresh(), role: "viewer" });
  expect([status, body.isMailed]).toEqual([201, false]);
  expect(body.resend).toBe(`/control/orgs/${world.a.org}/invitations/${body.id}/resend`);
  world.control.mailer = null;
  expect((await resend(body.id)).body.isMailed).toBe(false);
  world.control.mailer = world.mailer;
  world.mailer.fails = false;
  const again = await world.ask("POST", body.resend, { key: world.a.admin });
  expect([again.status, again.body.isMailed, again.body.resend]).toEqual([200, true, null]);
});

it("is sent again once a minute, five times in all, each time with another link", async () => {
  const { body } = await invite(world.a.org, { email: fresh(), role: "viewer" });
  const early = await resend(body.id);
  expect([early.status, early.body.error.code]).toEqual([429, "rate_limit_exceeded"]);
  const links = [linkIn(world.mailer.mails.at(-1)?.text ?? "")];
  for (let at = 1; at < 5; at++) {
    world.clock.offsetMs += 61_000;
    const both = await Promise.all([resend(body.id), resend(body.id)]);
    expect(both.filter(({ status }) => status === 200).length).toBe(1);
    links.push(linkIn(world.mailer.mails.at(-1)?.text ?? ""));
  }
  expect(new Set(links).size).toBe(5);
  world.clock.offsetMs += 61_000;
  expect((await resend(body.id)).body.error.code).toBe("conflict");
});

it("refuses a member's address, an invited one, also of two at once, and an owner's role to an admin", async () => {
  const { person } = await world.signIn(world.a.org, "viewer");
  expect((await invite(world.a.org, { email: person.email, role: "admin" })).body.error.message).toContain("member");
  const email = fresh();
  const answers = await Promise.all([1, 2, 3].map(() => invite(world.a.org, { email, role: "viewer" })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  expect((await invite(world.a.org, { email: fresh(), role: "owner" })).status).toBe(403);
  const owner = await world.signIn(world.a.org, "owner");
  const owners = await invite(world.a.org, { email: fresh(), role: "owner" }, owner);
  expect(owners.status).toBe(201);
  expect([(await resend(owners.body.id)).status, (await revoke(owners.body.id)).status]).toEqual([403, 403]);
});

it("tells nobody whether an account exists (S15, P2)", async () => {
  const { person } = await world.signIn(world.b.org, "viewer");
  const known = await invite(world.a.org, { email: person.email, role: "viewer" });
  const unknown = await invite(world.a.org, { email: fresh(), role: "viewer" });
  const blank = ({ status, body }: typeof known) => ({
    status,
    body: { ...body, id: "", email: "", createdAt: "", expiresAt: "" },
  });
  expect(blank(known)).toEqual(blank(unknown));
});

it("refuses what is no address, no role, another org's admin and who may not", async () => {
  for (const [field, body] of [
    ["email", { email: "x", role: "viewer" }],
    ["email", { role: "viewer" }],
    ["role", { email: fresh(), role: "operator" }],
    ["org", { email: fresh(), role: "viewer", org: world.b.org }],
  ] as const)
    expect((await invite(world.a.org, body)).body.error.param).toBe(field);
  const good = { email: fresh(), role: "viewer" };
  expect((await invite(world.a.org, good, { key: world.b.admin })).status).toBe(404);
  expect((await invite(world.a.org, good, await world.signIn(world.a.org, "developer"))).status).toBe(403);
  const { body } = await invite(world.a.org, good);
  const path = `/control/orgs/${world.b.org}/invitations/${body.id}`;
  expect((await world.ask("DELETE", path, { key: world.b.admin })).status).toBe(404);
  expect((await world.ask("POST", `${path}/resend`, { key: world.b.admin })).status).toBe(404);
});

it("lists what became of each, and revokes once", async () => {
  const { body } = await invite(world.a.org, { email: fresh(), role: "viewer" });
  expect((await revoke(body.id)).body.state).toBe("revoked");
  expect((await revoke(body.id)).body.state).toBe("revoked");
  expect((await resend(body.id)).status).toBe(409);
  const { invitations } = await list("?limit=1000");
  expect(invitations.find(({ id }: Json) => id === body.id).state).toBe("revoked");
  world.clock.offsetMs = 8 * 86_400_000;
  expect((await list()).invitations.map(({ state }: Json) => state)).not.toContain("open");
  const page = await list("?limit=1");
  expect((await list(`?limit=1&cursor=${page.nextCursor}`)).invitations[0].id).not.toBe(page.invitations[0].id);
});

it("mails a hundred a day for one org, and for one person in all their orgs", async () => {
  const { org } = await world.openOrg("Loud");
  const owner = await world.signIn(org, "owner");
  await world.select(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
     INSERT INTO invitations (id, org, email, role, digest, invited_by, expires_at_ms, created_at_ms, sent_at_ms)
     SELECT 'inv_' || printf('%022d', i), ?, 'x' || i, 'viewer', 'd' || i, ?, 1, 1, ? FROM n`,
    org,
    owner.user,
    Date.now(),
  );
  const send = (to: string) => invite(to, { email: fresh(), role: "viewer" }, owner);
  const answers = await Promise.all([send(org), send(org)]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 429]);
  await world.select("INSERT INTO members VALUES (?, ?, 'owner', 1, 1)", world.b.org, owner.user);
  expect((await send(world.b.org)).body.error.code).toBe("rate_limit_exceeded");
  world.clock.offsetMs = 86_400_001;
  expect((await send(world.b.org)).status).toBe(201);
});
