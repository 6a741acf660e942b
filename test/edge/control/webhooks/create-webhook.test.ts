import { describe, expect, it } from "vitest";
import { hostileUrls } from "#test/support/webhooks/hostile-urls.ts";
import { openHooks, url } from "./world.ts";

const { place, ask, hook } = openHooks();

describe("a new webhook", () => {
  it("is shown with its secret this once; the store has it sealed, and the audit nothing of it", async () => {
    const made = await hook({ types: ["key.created"], description: "pager" });
    expect(made).toMatchObject({ url, types: ["key.created"], description: "pager", isEnabled: true, version: 1 });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect((await ask("GET", `/webhooks/${made.id}`)).body.secret).toBeUndefined();
    const listed = (await ask("GET", "/webhooks")).body.webhooks;
    expect([listed.length, listed[0].secret]).toEqual([1, undefined]);
    const raw = made.secret.slice("whsec_".length, -1);
    const rows = await place.world.select("SELECT * FROM webhooks");
    const audit = await place.world.select("SELECT * FROM audit WHERE target = ?", made.id);
    expect(audit.map(({ action }) => action)).toEqual(["webhook.created"]);
    expect(JSON.stringify([rows, audit, place.world.logs])).not.toContain(raw);
  });

  it.each([...hostileUrls])("does not lead to %j (S11)", async (hostile) => {
    const answer = await ask("POST", "/webhooks", { url: hostile });
    expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([400, "invalid_value", "url"]);
  });

  it("does not lead to a name with an address that is not public, nor to none (S11)", async () => {
    const { web } = place.world;
    for (const addresses of [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:169.254.169.254"], []]) {
      web.addresses.set("hooks.example.test", addresses);
      const answer = await ask("POST", "/webhooks", { url });
      expect([addresses, answer.status, answer.body.error.param]).toEqual([addresses, 400, "url"]);
      for (const address of addresses) expect(answer.text).not.toContain(address);
    }
    web.isNameless = true;
    expect((await ask("POST", "/webhooks", { url })).body.error.code).toBe("store_unavailable");
  });

  it("needs a body that makes sense", async () => {
    for (const body of [{}, { url: 1 }, { url, types: [] }, { url, types: ["key.made"] }, { url, secret: "x" }])
      expect([body, (await ask("POST", "/webhooks", body)).status]).toEqual([body, 400]);
    expect((await ask("POST", "/webhooks", { url, types: ["key.created", "key.created"] })).status).toBe(400);
    expect((await ask("POST", "/webhooks", { url, types: ["webhook.test"] })).status).toBe(400);
  });

  it("is an owner's or an admin's to make, in their own org", async () => {
    const { world } = place;
    const post = async (role: "owner" | "developer" | "viewer" | "billing") =>
      (
        await world.ask("POST", `/control/orgs/${world.a.org}/webhooks`, {
          ...(await world.signIn(world.a.org, role)),
          body: { url },
        })
      ).status;
    expect([await post("owner"), await post("developer"), await post("viewer")]).toEqual([201, 403, 403]);
    expect((await ask("POST", "/webhooks", { url }, world.b.admin)).status).toBe(404);
  });

  it("is one of twenty at most", async () => {
    await Promise.all(Array.from({ length: 22 }, () => ask("POST", "/webhooks", { url })));
    expect((await ask("GET", "/webhooks")).body.webhooks).toHaveLength(20);
    expect((await ask("POST", "/webhooks", { url })).body.error.code).toBe("conflict");
  });

  it("cannot be made where secrets cannot be sealed", async () => {
    const { webhooks } = place.world.control;
    const { masters } = webhooks;
    webhooks.masters = null;
    const answer = await ask("POST", "/webhooks", { url });
    webhooks.masters = masters;
    expect([answer.status, answer.body.error.message]).toEqual([409, expect.stringContaining("STORE_KEYS")]);
  });
});
