import { describe, expect, it } from "vitest";
import { tendWebhooks } from "#edge/control/webhooks/sending/tend.ts";
import { openMasterKeys } from "#edge/agreements/sealing.ts";
import { setEmail, openHooks, url, verifies } from "../world.ts";

const { place, ask, hook, cause, deliveries } = openHooks();
const hourMs = 3_600_000;

describe("an event", () => {
  it("is delivered, signed, to each webhook that listens, once", async () => {
    const all = await hook();
    const some = await hook({ types: ["key.created"] });
    await hook({ types: ["key.revoked"] });
    const key = await cause("ours");
    await place.world.deliver();
    await place.world.deliver();
    const { posted } = place.world.web;
    expect(posted).toHaveLength(2);
    for (const one of posted) {
      const body = JSON.parse(one.body);
      expect(body).toMatchObject({ object: "event", type: "key.created", org: place.world.a.org });
      expect(body.data).toMatchObject({ key: key.id, name: "ours", kind: "inference" });
      expect([one.headers["webhook-id"], body.timestamp]).toEqual([body.id, expect.stringMatching(/^20.*Z$/)]);
      expect(one.body).not.toContain(key.secret.slice(25, 40));
    }
    const known = posted.map((one) => [all, some].filter(({ secret }) => verifies(secret, one)).length);
    expect(known).toEqual([1, 1]);
    expect(await deliveries(all.id)).toMatchObject([{ status: "delivered", tries: 1, lastCode: 200, nextTryAt: null }]);
  });

  it("that another org caused is not theirs to hear", async () => {
    await hook();
    const { world } = place;
    await world.ask("POST", `/control/orgs/${world.b.org}/keys`, { key: world.b.admin, body: { name: "b" } });
    await world.deliver();
    expect(world.web.posted).toEqual([]);
  });

  it("is sent behind the answer of what caused it", async () => {
    await hook();
    place.world.nudge(true);
    await cause();
    await place.world.settle();
    place.world.nudge(false);
    expect(place.world.web.posted).toHaveLength(1);
  });
});

describe("a delivery that fails", () => {
  it.each([
    [{ status: 500, excerpt: "no" }, 500, "status"],
    [{ status: 199, excerpt: "" }, 199, "status"],
    [{ status: 302, excerpt: "" }, 302, "redirect"],
    [{ status: 410, excerpt: "" }, 410, "status"],
    [{ failure: "timeout" as const }, null, "timeout"],
    [{ failure: "connection" as const }, null, "connection"],
  ])("with %j is tried again, later and later, with one id, till it arrives", async (sent, code, error) => {
    const { id } = await hook();
    place.world.web.answer = () => sent;
    await cause();
    await place.world.deliver();
    const [first] = await deliveries(id);
    expect(first).toMatchObject({ status: "pending", tries: 1, lastCode: code, lastError: error });
    const pauseMs = Date.parse(first.nextTryAt) - Date.parse(first.lastTryAt);
    expect(pauseMs / 60_000).toBeCloseTo(8.45, 1);
    await place.world.deliver();
    expect(place.world.web.posted).toHaveLength(1);
    place.world.clock.offsetMs = pauseMs + 1_000;
    await place.world.deliver();
    place.world.clock.offsetMs += 2 * pauseMs - 60_000;
    await place.world.deliver();
    expect(place.world.web.posted).toHaveLength(2);
    place.world.web.answer = () => ({ status: 204, excerpt: "" });
    place.world.clock.offsetMs += 90_000;
    await place.world.deliver();
    expect(await deliveries(id)).toMatchObject([{ status: "delivered", tries: 3, lastCode: 204, lastError: null }]);
    expect(new Set(place.world.web.posted.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect((await ask("GET", `/webhooks/${id}`)).body.failingSince).toBeNull();
  });

  it("at every try for 72 hours switches its webhook off: audited, an event for others, a mail to owners", async () => {
    const { world } = place;
    const owner = await world.signIn(world.a.org, "owner");
    await setEmail(world, owner.user, "owner@example.test");
    const failing = await hook();
    const other = await hook({ url: `${url}/other` });
    world.web.answer = (at) => (at === url ? { status: 500, excerpt: "" } : { status: 200, excerpt: "" });
    await cause();
    for (let tries = 0; tries < 12; tries++) {
      await world.deliver();
      const [{ nextTryAt }] = await deliveries(failing.id);
      if (nextTryAt === null) break;
      if (tries === 8) expect((await ask("GET", `/webhooks/${failing.id}`)).body.isEnabled).toBe(true);
      world.clock.offsetMs = Date.parse(nextTryAt) - Date.now() + 1_000;
    }
    expect(world.clock.offsetMs).toBeGreaterThan(72 * hourMs);
    expect(world.clock.offsetMs).toBeLessThan(80 * hourMs);
    expect(await deliveries(failing.id)).toMatchObject([{ status: "failed", tries: 10, lastCode: 500 }]);
    const shown = (await ask("GET", `/webhooks/${failing.id}`)).body;
    expect([shown.isEnabled, shown.switchedOffAt]).toEqual([false, expect.any(String)]);
    expect(
      await world.select("SELECT action FROM audit WHERE target = ? AND actor_kind = 'house'", failing.id),
    ).toEqual([{ action: "webhook.disabled" }]);
    await world.deliver();
    const heard = world.web.posted.filter((one) => one.url !== url).map(({ body }) => JSON.parse(body));
    expect(heard.map(({ type }) => type)).toEqual(["key.created", "webhook.disabled"]);
    expect(heard[1].data).toMatchObject({ webhook: failing.id });
    expect(world.mailer.mails).toMatchObject([{ to: "owner@example.test", text: expect.stringContaining(failing.id) }]);
    expect((await deliveries(other.id)).every(({ status }) => status === "delivered")).toBe(true);
    const on = (await ask("PATCH", `/webhooks/${failing.id}`, { isEnabled: true })).body;
    expect([on.isEnabled, on.failingSince, on.switchedOffAt]).toEqual([true, null, null]);
  });

  it("goes nowhere once its name leads to an address of ours: names are looked up at each send (S11)", async () => {
    const { id } = await hook();
    await cause();
    for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"]) {
      place.world.web.addresses.set("hooks.example.test", ["93.184.216.34", address]);
      await place.world.deliver();
      const [row] = await deliveries(id);
      expect(row).toMatchObject({ status: "pending", lastError: "address", lastCode: null });
      place.world.clock.offsetMs = Date.parse(row.nextTryAt) - Date.now() + 1_000;
    }
    expect(place.world.web.posted).toEqual([]);
    place.world.web.isNameless = true;
    await place.world.deliver();
    expect(await deliveries(id)).toMatchObject([{ lastError: "dns" }]);
  });
});

describe("whoever sends", () => {
  it("at once with others sends what the others do not (J4)", async () => {
    await hook();
    await Promise.all(Array.from({ length: 12 }, () => cause()));
    place.world.web.answer = async () => {
      await new Promise((done) => setTimeout(done, 20));
      return { status: 200, excerpt: "" };
    };
    await Promise.all([place.world.deliver(), place.world.deliver(), place.world.deliver()]);
    await place.world.deliver();
    const ids = place.world.web.posted.map(({ headers }) => headers["webhook-id"]);
    expect([ids.length, new Set(ids).size]).toEqual([12, 12]);
  });

  it("and dies leaves it to the next, once its lease is over (J4)", async () => {
    const { id } = await hook();
    await cause();
    const hanging = Promise.withResolvers<never>();
    place.world.web.answer = () => hanging.promise;
    const dead = place.world.deliver().catch(() => "died");
    while (place.world.web.posted.length === 0) await new Promise((done) => setTimeout(done, 5));
    place.world.web.answer = () => ({ status: 200, excerpt: "" });
    await place.world.deliver();
    expect(place.world.web.posted).toHaveLength(1);
    place.world.clock.offsetMs = 46_000;
    await place.world.deliver();
    expect(place.world.web.posted).toHaveLength(2);
    expect(await deliveries(id)).toMatchObject([{ status: "delivered", tries: 2 }]);
    hanging.reject(new Error("the isolate is gone"));
    expect(await dead).toBe("died");
    expect(await deliveries(id)).toMatchObject([{ status: "delivered", tries: 2 }]);
  });

  it("takes those that work before those that fail, and no more than two of one at a time", async () => {
    const slow = await hook();
    const quick = await hook({ url: `${url}/quick` });
    await Promise.all(Array.from({ length: 6 }, () => cause()));
    let [open, most] = [0, 0];
    place.world.web.answer = async (at) => {
      if (at !== url) return { status: 200, excerpt: "" };
      most = Math.max(most, ++open);
      await new Promise((done) => setTimeout(done, 30));
      open--;
      return { status: 200, excerpt: "" };
    };
    await place.world.deliver();
    await place.world.deliver();
    expect(most).toBeLessThanOrEqual(2);
    for (const { id } of [slow, quick])
      expect((await deliveries(id)).every(({ status }) => status === "delivered")).toBe(true);
  });

  it("cannot open a secret blames no webhook, and sends once it can", async () => {
    const { id, secret } = await hook();
    await cause();
    const { webhooks } = place.world.control;
    const { masters } = webhooks;
    webhooks.masters = await openMasterKeys({ s9: "Z".repeat(43) }, "webhook secrets");
    await place.world.deliver();
    webhooks.masters = null;
    await place.world.deliver();
    webhooks.masters = masters;
    const [row] = await deliveries(id);
    expect(row).toMatchObject({ status: "pending", tries: 1, lastError: "secret" });
    expect((await ask("GET", `/webhooks/${id}`)).body.failingSince).toBeNull();
    place.world.clock.offsetMs = Date.parse(row.nextTryAt) - Date.now() + 1_000;
    await place.world.deliver();
    expect(place.world.web.posted.map(({ headers }) => headers["webhook-id"])).toEqual([row.event]);
    expect(secret).toMatch(/^whsec_/);
  });
});

describe("the cron", () => {
  it("seals secrets under the first master key, and they still sign", async () => {
    const { id, secret } = await hook();
    const { webhooks } = place.world.control;
    const { masters } = webhooks;
    webhooks.masters = await openMasterKeys({ s2: "D".repeat(43), s1: "C".repeat(43) }, "webhook secrets");
    await cause();
    await tendWebhooks(place.world.delivererPorts());
    const [row] = await place.world.select("SELECT secret FROM webhooks WHERE id = ?", id);
    expect(row?.["secret"]).toMatch(/^s2\./);
    await cause();
    await place.world.deliver();
    webhooks.masters = masters;
    expect(place.world.web.posted.map((one) => verifies(secret, one))).toEqual([true, true]);
  });

  it("deletes what is older than 30 days, and no event of a delivery that is not", async () => {
    const { id } = await hook();
    await cause();
    await place.world.deliver();
    const [{ event, id: delivery }] = await deliveries(id);
    place.world.clock.offsetMs = 29 * 24 * hourMs;
    await tendWebhooks(place.world.delivererPorts());
    await ask("POST", `/deliveries/${delivery}/redeliver`, {});
    place.world.clock.offsetMs = 31 * 24 * hourMs;
    await tendWebhooks(place.world.delivererPorts());
    expect(await deliveries(id)).toMatchObject([{ event, status: "delivered" }]);
    place.world.clock.offsetMs = 60 * 24 * hourMs;
    await tendWebhooks(place.world.delivererPorts());
    expect(await deliveries(id)).toEqual([]);
    expect(await place.world.select("SELECT 1 FROM events WHERE id = ?", event)).toEqual([]);
  });
});
