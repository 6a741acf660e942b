import { afterAll, beforeAll, expect, it } from "vitest";
import { planLimits } from "#edge/agreements/records/quota.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const change = (body: unknown, org = world.a.org, key?: string) =>
  world.ask("PATCH", `/control/orgs/${org}`, { body, ...(key && { key }) });

it("sets what is named and nothing else, one version on, and answers when the ledger knows", async () => {
  const answer = await change({ limits: { requestsPerMinute: 7, tokensPerDay: null } });
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    name: "Org A",
    version: 2,
    limits: { ...planLimits.standard, requestsPerMinute: 7, tokensPerDay: null },
  });
  expect(world.publisher.org(world.a.org)).toMatchObject({ version: 2, limits: answer.body.limits });
  expect((await change({ name: "Org A2" })).body).toMatchObject({
    name: "Org A2",
    version: 3,
    limits: answer.body.limits,
  });
});

it("sets every limit anew with a plan, and has the last word with limits", async () => {
  await change({ limits: { tokensPerDay: 1 } });
  expect((await change({ plan: "professional" })).body.limits).toEqual(planLimits.professional);
  const limits = { requestsPerMinute: 1_000, requestsPerHour: null, concurrency: 50 };
  expect((await change({ plan: "enterprise", limits })).body).toMatchObject({
    plan: "enterprise",
    limits: { ...planLimits.enterprise, ...limits },
  });
  expect((await change({ limits: { concurrency: 51 } })).body.limits).toMatchObject({ ...limits, concurrency: 51 });
  expect((await change({ plan: "enterprise", limits: { concurrency: 1 } })).body.error.param).toBe(
    "limits.requestsPerMinute",
  );
});

it("suspends and resumes", async () => {
  expect((await change({ isSuspended: true })).body.isSuspended).toBe(true);
  expect(world.publisher.org(world.a.org).isSuspended).toBe(true);
  expect((await change({ isSuspended: false })).body.isSuspended).toBe(false);
  expect(world.publisher.org(world.a.org).isSuspended).toBe(false);
});

it("loses no version and no window when changes come at once, and the newest is in force", async () => {
  const { version } = (await world.ask("GET", `/control/orgs/${world.b.org}`)).body;
  const windows = [
    "requestsPerMinute",
    "requestsPerHour",
    "concurrency",
    "tokensPerMinute",
    "requestsPerDay",
    "tokensPerDay",
    "tokensPerMonth",
    "costMicrosPerMonth",
  ];
  const answers = await Promise.all(windows.map((window, at) => change({ limits: { [window]: at + 1 } }, world.b.org)));
  expect(answers.map(({ body }) => body.version).toSorted((one, other) => one - other)).toEqual(
    windows.map((_, at) => version + 1 + at),
  );
  const expected = Object.fromEntries(windows.map((window, at) => [window, at + 1]));
  expect(world.publisher.org(world.b.org)).toMatchObject({ version: version + 8, limits: expected });
});

it("refuses each field's bad values with the field's path", async () => {
  const before = (await world.ask("GET", `/control/orgs/${world.a.org}`)).text;
  const bad: [unknown, string | null][] = [
    [{}, null],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(101) }, "name"],
    [{ plan: "gold" }, "plan"],
    [{ isSuspended: 1 }, "isSuspended"],
    [{ isSuspended: "true" }, "isSuspended"],
    [{ isSuspended: null }, "isSuspended"],
    [{ limits: { requestsPerMinute: "7" } }, "limits.requestsPerMinute"],
    [{ limits: { concurrency: 0.5 } }, "limits.concurrency"],
    [{ limits: { "x'); DROP TABLE orgs; --": 1 } }, "limits.x????DROP?TABLE?orgs??--"],
  ];
  for (const [body, param] of bad) {
    const answer = await change(body);
    expect([body, answer.status, answer.body.error.param]).toEqual([body, 400, param]);
  }
  expect((await world.ask("GET", `/control/orgs/${world.a.org}`)).text).toBe(before);
});

it("is the operators' alone, even for an admin's own org", async () => {
  const answer = await change({ plan: "professional" }, world.a.org, world.a.admin);
  expect([answer.status, answer.body.error.code]).toEqual([403, "insufficient_permissions"]);
  expect((await change({ name: "x" }, "org_0000000000")).status).toBe(404);
});

it("heals by repeating when the ledger was out of reach", async () => {
  world.publisher.fails = () => true;
  const answer = await change({ limits: { concurrency: 3 } });
  world.publisher.fails = () => false;
  expect([answer.status, answer.body.error.code]).toEqual([503, "quota_unavailable"]);
  expect(answer.text).not.toContain("ledger out of reach");
  expect(world.publisher.org(world.a.org).limits.concurrency).not.toBe(3);
  expect((await change({ limits: { concurrency: 3 } })).status).toBe(200);
  expect(world.publisher.org(world.a.org).limits.concurrency).toBe(3);
});
