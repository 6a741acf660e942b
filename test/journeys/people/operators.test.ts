import { expect, inject, test } from "vitest";
import { newEmail, openBrowser } from "#test/support/people/browser.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const { edge } = world.place;

test("an operator's key makes people operators, before or after their first sign-in, and unmakes them", async () => {
  const [early, late] = [newEmail(), newEmail()];
  const browsers = { early: openBrowser(edge), late: openBrowser(edge) };
  await browsers.late.signIn(late);
  const isOperator = async (browser: keyof typeof browsers) =>
    (await browsers[browser].send("GET", "/auth/session")).body.user.isOperator;
  expect(await isOperator("late")).toBe(false);
  const made = await world.must("POST", "/operators", { email: early.toUpperCase() });
  expect(made).toMatchObject({ email: early, hasSignedIn: false });
  const known = await world.must("POST", "/operators", { email: late });
  expect(known).toMatchObject({ email: late, hasSignedIn: true });
  await browsers.early.signIn(early);
  expect([await isOperator("early"), await isOperator("late")]).toEqual([true, true]);
  const { rows } = await world.must("GET", "/operators");
  expect(rows).toEqual(expect.arrayContaining([{ ...made, hasSignedIn: true }, known]));
  expect((await browsers.early.send("GET", "/auth/session")).body.user.id).toBe(made.id);
  await world.must("DELETE", `/operators/${made.id}`, {});
  expect([await isOperator("early"), await isOperator("late")]).toEqual([false, true]);
  expect((await world.control("DELETE", `/operators/${made.id}`, {})).status).toBe(404);
});

test("nobody but an operator does", async () => {
  const org = await world.newOrg();
  const admin = await world.newKey(org.id, { kind: "admin" });
  const refusals = [
    await world.control("GET", "/operators", undefined, admin.secret),
    await world.control("POST", "/operators", { email: newEmail() }, admin.secret),
    await world.control("DELETE", "/operators/user_0123456789012345678901", {}, admin.secret),
  ];
  expect(refusals.map(({ status }) => status)).toEqual([403, 403, 403]);
  expect((await world.control("POST", "/operators", { email: "nobody" })).status).toBe(400);
  expect((await world.control("POST", "/operators", { email: newEmail() }, "sk-pen-admin-x")).status).toBe(401);
});
