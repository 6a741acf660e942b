import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteEnded } from "#edge/control/sign-in/queries.ts";
import { openTries } from "#edge/control/sign-in/tries.ts";
import { readCidr } from "#edge/agreements/ip.ts";
import { codesPerAccountMax, signInWindowMs, triesPerNetworkMax } from "#edge/agreements/settings/sign-in-limits.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";
import { openWorld, type World } from "../http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const exempt = [readCidr("127.0.0.0/8") ?? expect.fail("no network")];
const open = (header: string | null = "cf-connecting-ip") =>
  openTries(world.db, { secret: "FAKE-secret", header, exempt });

test("of tries at once exactly as many pass as may, and all count again when the time is over", async () => {
  const tries = open();
  const all = Array.from({ length: 20 }, () => tries.count("codeByAccount", "a@example.test", 1_000));
  const ends = await Promise.allSettled(all);
  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(codesPerAccountMax);
  const refusal = await refusedBy(() => tries.count("codeByAccount", "a@example.test", 61_000));
  expect([refusal.code, refusal.details.retryAfterMs]).toEqual(["rate_limit_exceeded", signInWindowMs - 60_000]);
  await tries.count("codeByAccount", "b@example.test", 61_000);
  await tries.count("codeByAccount", "a@example.test", 1_000 + signInWindowMs);
});

test("a try that came to nothing is given back", async () => {
  const tries = open();
  for (let times = 0; times < codesPerAccountMax * 2; times++)
    await (
      await tries.count("codeByAccount", "c@example.test", 1_000)
    )();
  expect(await world.select("SELECT count(*) AS n FROM auth_limits WHERE tries = 0")).toEqual([{ n: 1 }]);
});

test("a network is counted as one, unless it is exempt or unknown", async () => {
  const tries = open();
  const from = (ip: string) => new Headers({ "cf-connecting-ip": ip });
  for (let times = 0; times < triesPerNetworkMax; times++)
    await tries.countNetwork("tryByNetwork", from(`2001:db8:0:1::${times}`), 1_000);
  const refusal = await refusedBy(() => tries.countNetwork("tryByNetwork", from("2001:db8:0:1::ffff"), 1_000));
  expect(refusal.code).toBe("rate_limit_exceeded");
  await tries.countNetwork("tryByNetwork", from("2001:db8:1:1::1"), 1_000);
  for (const other of [from("127.0.0.1"), from("no address"), new Headers()])
    for (let times = 0; times <= triesPerNetworkMax; times++) await tries.countNetwork("tryByNetwork", other, 1_000);
});

test("a code of an authenticator app is spent once, for each user", async () => {
  const tries = open();
  expect(await tries.spendTotp("user_a", "123456", 1_000)).toBe(true);
  expect(await tries.spendTotp("user_a", "123456", 91_000)).toBe(false);
  expect(await tries.spendTotp("user_b", "123456", 1_000)).toBe(true);
  expect(await tries.spendTotp("user_a", "123457", 1_000)).toBe(true);
});

test("what is over is deleted, and nothing else", async () => {
  await open().count("tryByAccount", "d@example.test", 1_000_000);
  const [{ n } = { n: 0 }] = await world.select("SELECT count(*) AS n FROM auth_limits WHERE ends_at_ms > 1_000_000");
  await deleteEnded(world.db, 1_000_000);
  expect(await world.select("SELECT count(*) AS n FROM auth_limits")).toEqual([{ n }]);
});
