import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { tellOwners } from "#edge/control/members/tell-owners.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";
import { setEmail } from "#test/edge/control/webhooks/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());
const logs: string[] = [];
beforeEach(() => void logs.splice(0));

const tell = (org: string, mailer: World["control"]["mailer"] = world.mailer) =>
  tellOwners(
    { db: world.db, mailer, log: (event, facts) => void logs.push(JSON.stringify({ event, ...facts })) },
    org,
    {
      subject: "s",
      text: "t",
    },
  );

it("mails each owner, and nobody else", async () => {
  for (const [role, address] of [
    ["owner", "one@example.test"],
    ["owner", "two@example.test"],
    ["admin", "three@example.test"],
  ] as const)
    await setEmail(world, (await world.signIn(world.a.org, role)).user, address);
  await setEmail(world, (await world.signIn(world.b.org, "owner")).user, "other@example.test");
  await tell(world.a.org);
  expect(world.mailer.mails.map(({ to }) => to).toSorted()).toEqual(["one@example.test", "two@example.test"]);
  expect(logs).toEqual([]);
});

it("says in the log, by ids alone, that a mail did not go out, and fails nothing", async () => {
  world.mailer.fails = true;
  await tell(world.a.org);
  world.mailer.fails = false;
  await tell(world.a.org, null);
  await tell(world.operator.org);
  expect(logs).toHaveLength(3);
  expect(logs.join()).not.toContain("example.test");
});
