import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { mailAlerts } from "#edge/control/budgets/mail-alerts.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";
import { setEmail } from "#test/edge/control/webhooks/world.ts";
import { spend } from "./budgets.ts";

let world: World;
let keyId: string;
const logs: string[] = [];
beforeAll(async () => {
  world = await openWorld();
  const { user } = await world.signIn(world.a.org, "owner");
  await setEmail(world, user, "owner@example.test");
  ({ id: keyId } = (
    await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { key: world.a.admin, body: { name: "night shift" } })
  ).body);
});
afterAll(() => world.close());
beforeEach(() => {
  logs.length = 0;
  world.mailer.mails.length = 0;
});

const budget = async (body: object) => {
  const made = await world.ask("POST", `/control/orgs/${world.a.org}/budgets`, { key: world.a.admin, body });
  expect(made.status).toBe(201);
};
const run = (mailer: World["control"]["mailer"] = world.mailer) =>
  mailAlerts({
    db: world.db,
    mailer,
    currency: "USD",
    now: () => Date.now(),
    log: (event) => void logs.push(event),
  });

it("owners are mailed the highest share that a budget has reached, once, and by several at once", async () => {
  await budget({ amountMicros: 1_000_000, sharesPercent: [50, 80, 100] });
  await run();
  expect(world.mailer.mails).toEqual([]);
  await spend(world, world.a.org, keyId, 850_000);
  await Promise.all([run(), run()]);
  expect(world.mailer.mails).toMatchObject([
    { to: "owner@example.test", subject: expect.stringMatching(/^80 % of a budget of /) },
  ]);
  const [{ text } = { text: "" }] = world.mailer.mails;
  expect(text).toContain("is $1.00; $0.85 of it are spent");
  expect(text).toContain("It stops no calls.");
  await run();
  expect(world.mailer.mails).toHaveLength(1);
});

it("of a key that stops it says so by its name; a budget that is gone is told to nobody", async () => {
  await budget({ key: keyId, amountMicros: 10, sharesPercent: [100], isStop: true });
  await spend(world, world.a.org, keyId, 10);
  await run();
  const told = world.mailer.mails.find(({ text }) => text.includes('"night shift"'));
  expect(told?.text).toContain("Calls are refused until it is raised");
  const { budgets } = (await world.ask("GET", `/control/orgs/${world.a.org}/budgets`, { key: world.a.admin })).body;
  world.mailer.mails.length = 0;
  await spend(world, world.a.org, keyId, 1_000_000);
  for (const { id } of budgets)
    await world.ask("DELETE", `/control/orgs/${world.a.org}/budgets/${id}`, { key: world.a.admin });
  await run();
  expect(world.mailer.mails).toEqual([]);
});

it("where no mail can be sent alerts wait for one; a mail that is lost is in the log", async () => {
  await budget({ amountMicros: 5, sharesPercent: [100] });
  await spend(world, world.a.org, keyId, 5);
  await run(null);
  world.mailer.fails = true;
  await run();
  world.mailer.fails = false;
  expect(logs).toEqual(["owners_not_told"]);
});
