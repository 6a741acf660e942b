import { expect, it } from "vitest";
import { LimitEvents } from "#edge/control/events/limit-reached.ts";
import { eventTypes } from "#edge/control/events/types.ts";
import { revokeLeaked } from "#edge/control/leaks/revoke-leaked.ts";
import { switchOffFailing } from "#edge/control/webhooks/sending/switch-off.ts";
import type { Denial } from "#edge/ledger/port.ts";
import { spend } from "#test/edge/control/budgets/budgets.ts";
import { openHooks, url } from "#test/edge/control/webhooks/world.ts";
import { findOddEvents } from "#test/support/webhooks/odd-events.ts";

const { place, ask, hook, cause } = openHooks();

const steps: Record<string, () => Promise<unknown>> = {
  "keys are made, rotated, revoked and found in public": async () => {
    const { world } = place;
    const project = (await ask("POST", "/projects", { name: "all" })).body.id;
    const scopes = { models: ["qwen-chat"], endpoints: ["chat.completions"], ipCidrs: ["203.0.113.0/24"], project };
    const limits = { requestsPerMinute: 3, tokensPerDay: null };
    const key = (await ask("POST", "/keys", { name: "x", ...scopes, limits, expiresAt: Date.now() + 86_400_000 })).body;
    const next = (await ask("POST", `/keys/${key.id}/rotate`, { overlapSeconds: 60 })).body;
    await ask("POST", `/keys/${next.id}/revoke`);
    const visit = { id: "req_0000000000000000000000", ...world.delivererPorts(), afterwards: () => undefined };
    await revokeLeaked(visit as never, world.control, { token: (await cause()).secret } as never);
  },
  "members are invited, join, change and leave": async () => {
    const { world } = place;
    const guest = await world.signIn(null, "viewer");
    await ask("POST", "/invitations", { email: guest.person.email, role: "developer" });
    const token = /#(\w+)/.exec(world.mailer.mails.at(-1)?.text ?? "")?.[1];
    await world.ask("POST", "/control/invitations/accept", { ...guest, body: { token } });
    await ask("PATCH", `/members/${guest.user}`, { role: "viewer" });
    await ask("DELETE", `/members/${guest.user}`);
  },
  "a company login is set, changed and removed": async () => {
    const fields = { name: "Company", issuer: new URL(url).origin, clientId: "penstock", secret: "FAKE-client-secret" };
    await ask("POST", "/company-login", fields);
    await ask("PATCH", "/company-login", { name: "Firm" });
    await ask("DELETE", "/company-login", {});
  },
  "budgets are reached: an org's, a project's, a key's": async () => {
    const project = (await ask("POST", "/projects", { name: "paid" })).body.id;
    const key = (await ask("POST", "/keys", { name: "paid", project })).body.id;
    const budget = { amountMicros: 10, sharesPercent: [50, 100], isStop: true };
    for (const whose of [{}, { project }, { key }]) await ask("POST", "/budgets", { ...budget, ...whose });
    await spend(place.world, place.world.a.org, key, 20);
  },
  "limits are reached": async () => {
    const { world } = place;
    const noon = Date.UTC(2026, 0, 31, 12);
    const limit = { window: "tokensPerDay", limit: 5, resetAtMs: noon } as const;
    const denial = {
      ...limit,
      kind: "denial",
      reason: "quota",
      retryAfterMs: 1,
      tokensRemaining: 0,
      rates: {},
    } as const;
    const events = new LimitEvents(world.db, async () => undefined);
    for (const of of ["org", "project", "key"] as const)
      await events.note({ ...denial, of } as Denial, { org: world.a.org, key: world.a.keyId, nowMs: noon });
  },
  "webhooks are tested, and switched off": async () => {
    const { world } = place;
    const { id } = await hook();
    await ask("POST", `/webhooks/${id}/test`);
    await world.select("UPDATE webhooks SET failing_since_ms = 1");
    const delivery = "dlv_0000000000000000000000";
    await switchOffFailing(world.delivererPorts(), { id: delivery, webhook: id, org: world.a.org, url }, 1);
  },
};

it("each type is written, and each time whole and no more than the table says", async () => {
  for (const step of Object.values(steps)) await step();
  const rows = (await place.world.select("SELECT type, body FROM events")) as { type: string; body: string }[];
  expect(new Set(rows.map(({ type }) => type))).toEqual(new Set(Object.keys(eventTypes)));
  expect(findOddEvents(rows)).toEqual([]);
  expect(
    findOddEvents([
      { type: "webhook.test", body: "{}" },
      { type: "x", body: "{}" },
    ]),
  ).toHaveLength(2);
});
