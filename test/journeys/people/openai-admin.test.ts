import OpenAI from "openai";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { newEmail, openBrowser } from "#test/support/people/browser.ts";
import { worldAt, type Org } from "#test/support/stack/world.ts";

/** OpenAI's admin API as their own SDK asks for it: `client.admin.organization`. */
const world = worldAt(inject("place"));
let org: Org;
let adminKey: string;
let admin: OpenAI["admin"]["organization"];
let operator: OpenAI["admin"]["organization"];

const open = (adminAPIKey: string, organization: string | null = null) =>
  new OpenAI({ baseURL: `${world.place.edge}/v1`, adminAPIKey, organization, maxRetries: 0 }).admin.organization;
const control = (method: string, path: string, body?: unknown) => world.must(method, `/orgs/${org.id}${path}`, body);
/** What a promise is rejected with. */
const failure = (promise: PromiseLike<unknown>): Promise<unknown> => Promise.resolve(promise).then(String, (e) => e);
const collect = async <Item>(pages: AsyncIterable<Item>) => {
  const all: Item[] = [];
  for await (const item of pages) all.push(item);
  return all;
};
beforeAll(async () => {
  org = await world.newOrg();
  adminKey = (await world.newKey(org.id, { kind: "admin" })).secret;
  admin = open(adminKey);
  operator = open(world.place.adminKey, org.id);
});

describe("projects", () => {
  test("are made, shown, renamed, archived, and no more", async () => {
    const made = await admin.projects.create({ name: "Assistant" });
    expect(made).toMatchObject({ object: "organization.project", name: "Assistant", status: "active" });
    expect(Math.abs(made.created_at * 1_000 - Date.now())).toBeLessThan(60_000);
    expect(await admin.projects.retrieve(made.id)).toEqual(made);
    expect((await admin.projects.update(made.id, { name: "Helper" })).name).toBe("Helper");
    expect((await admin.projects.archive(made.id)).status).toBe("archived");
    const listed = async (include_archived: boolean) =>
      (await collect(admin.projects.list({ include_archived }))).map(({ id }) => id);
    expect(await listed(false)).not.toContain(made.id);
    expect(await listed(true)).toContain(made.id);
    const refused = await failure(admin.projects.create({ name: "x", residency: "EU_STORAGE_PROCESSING" }));
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
    expect(refused).toMatchObject({ param: "residency", code: "invalid_value" });
  });

  test("come page by page", async () => {
    const other = await world.newOrg();
    const theirs = open((await world.newKey(other.id, { kind: "admin" })).secret);
    const names = Array.from({ length: 7 }, (_, at) => `P${at}`);
    for (const name of names) await theirs.projects.create({ name });
    const page = await theirs.projects.list({ limit: 3 });
    expect([page.data.length, page.has_more, page.last_id]).toEqual([3, true, page.data.at(-1)?.id]);
    const all = await collect(theirs.projects.list({ limit: 3 }));
    expect(all.map(({ name }) => name)).toEqual(names.toReversed());
    const lost = await failure(theirs.projects.list({ after: "proj_0000000000000000000000" }));
    expect(lost).toMatchObject({ status: 400, param: "after" });
  });

  test("have windows, which hold for the next call", async () => {
    const { id: project_id } = await admin.projects.create({ name: "Narrow" });
    const { id: service, api_key } = await admin.projects.serviceAccounts.create(project_id, { name: "Batch" });
    const key = api_key?.value ?? "";
    expect((await world.chat(key, { max_tokens: 1 })).status).toBe(200);
    const [limit] = await collect(admin.projects.rateLimits.listRateLimits(project_id));
    expect(limit).toMatchObject({ object: "project.rate_limit", max_requests_per_1_minute: Number.MAX_SAFE_INTEGER });
    const set = { project_id, max_requests_per_1_minute: 1, max_tokens_per_1_minute: 50_000 };
    const changed = await admin.projects.rateLimits.updateRateLimit(limit?.id ?? "", set);
    expect(changed).toMatchObject({ max_requests_per_1_minute: 1, max_tokens_per_1_minute: 50_000 });
    expect((await control("GET", `/projects/${project_id}`)).limits).toMatchObject({ requestsPerMinute: 1 });
    const refused = await world.chat(key, { max_tokens: 1 });
    expect([refused.status, (await refused.json()).error.code]).toEqual([429, "rate_limit_exceeded"]);
    const images = await failure(
      admin.projects.rateLimits.updateRateLimit(limit?.id ?? "", { project_id, max_images_per_1_minute: 1 }),
    );
    expect(images).toMatchObject({ status: 400, param: "max_images_per_1_minute" });
    const unknown = await failure(admin.projects.rateLimits.updateRateLimit("rate_limit_gpt", { ...set }));
    expect(unknown).toBeInstanceOf(OpenAI.NotFoundError);
    await admin.projects.serviceAccounts.delete(service, { project_id });
    expect((await world.chat(key)).status).toBe(401);
  });

  test("of which many are changed at once lose nothing", async () => {
    const { id } = await admin.projects.create({ name: "Busy" });
    const set = { project_id: id, max_requests_per_1_minute: 7 };
    await Promise.all([
      admin.projects.update(id, { name: "Renamed" }),
      admin.projects.rateLimits.updateRateLimit("rate_limit_all", set),
      admin.projects.archive(id),
    ]);
    const stored = await control("GET", `/projects/${id}`);
    expect(stored).toMatchObject({ name: "Renamed", isArchived: true, limits: { requestsPerMinute: 7 }, version: 4 });
  });
});

describe("keys and service accounts", () => {
  test("are made in a project, listed, ended and revoked", async () => {
    const { id: project_id } = await admin.projects.create({ name: "Keys" });
    const account = await admin.projects.serviceAccounts.create(project_id, { name: "Batch", expires_in_seconds: 600 });
    expect(account).toMatchObject({ object: "organization.project.service_account", role: "member" });
    expect(account.api_key?.value).toMatch(/^sk-pen-/);
    const alone = { name: "Alone", create_service_account_only: true };
    const second = await admin.projects.serviceAccounts.create(project_id, alone);
    expect(second.api_key).toBeNull();
    const made = await admin.projects.serviceAccounts.apiKeys.create(second.id, { project_id, name: "Its own" });
    expect((await world.chat(made.value, { max_tokens: 1 })).status).toBe(200);
    const accounts = await collect(admin.projects.serviceAccounts.list(project_id, { limit: 1 }));
    expect(accounts.map(({ id }) => id)).toEqual([second.id, account.id]);
    const keys = await collect(admin.projects.apiKeys.list(project_id, { limit: 1 }));
    expect(keys.map(({ id }) => id)).toEqual([made.id, account.api_key?.id]);
    expect(keys[0]).toMatchObject({
      redacted_value: expect.stringContaining("…"),
      owner: { type: "service_account", service_account: { id: second.id, name: "Alone" } },
    });
    expect(keys[1]?.expires_at).toBe((account.api_key?.created_at ?? 0) + 600);
    const changed = await admin.projects.apiKeys.update(made.id, { project_id, expires_in_seconds: 3_600 });
    expect(changed.expires_at).toBeGreaterThan(changed.created_at + 3_500);
    expect((await admin.projects.apiKeys.retrieve(made.id, { project_id })).expires_at).toBe(changed.expires_at);
    const deleted = await admin.projects.apiKeys.delete(made.id, { project_id });
    expect(deleted).toEqual({ object: "organization.project.api_key.deleted", id: made.id, deleted: true });
    expect((await world.chat(made.value)).status).toBe(401);
    const { id: elsewhere } = await admin.projects.create({ name: "Elsewhere" });
    for (const lost of [
      () => admin.projects.apiKeys.retrieve(made.id, { project_id }),
      () => admin.projects.apiKeys.retrieve(account.api_key?.id ?? "", { project_id: elsewhere }),
      () => admin.projects.serviceAccounts.retrieve(account.id, { project_id: elsewhere }),
    ])
      expect(await failure(lost())).toBeInstanceOf(OpenAI.NotFoundError);
    const renamed = await admin.projects.serviceAccounts.update(account.id, { project_id, name: "Hourly" });
    expect(renamed).toMatchObject({ id: account.id, name: "Hourly", role: "member" });
    await admin.projects.serviceAccounts.delete(account.id, { project_id });
    const gone = admin.projects.serviceAccounts.retrieve(account.id, { project_id });
    expect(await failure(gone)).toBeInstanceOf(OpenAI.NotFoundError);
    expect(await collect(admin.projects.apiKeys.list(project_id))).toEqual([]);
  });

  test("of admins are an operator's to make, not an admin key's", async () => {
    const refused = await failure(admin.adminAPIKeys.create({ name: "More" }));
    expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
    const made = await operator.adminAPIKeys.create({ name: "More", expires_in_seconds: 600 });
    expect(made.value).toMatch(/^sk-pen-admin-/);
    const { value, ...shown } = made;
    expect(await admin.adminAPIKeys.retrieve(made.id)).toEqual(shown);
    expect((await collect(open(value).adminAPIKeys.list({ limit: 1 }))).map(({ id }) => id)).toContain(made.id);
    await operator.adminAPIKeys.delete(made.id);
    expect(await failure(open(value).projects.list())).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(await failure(admin.adminAPIKeys.retrieve(made.id))).toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe("people", () => {
  test("are invited, and the invitation taken back", async () => {
    const email = newEmail();
    const made = await admin.invites.create({ email, role: "reader" });
    expect(made).toMatchObject({ email, role: "reader", status: "pending", projects: [], accepted_at: null });
    expect((await control("GET", "/invitations")).invitations[0]).toMatchObject({ id: made.id, role: "developer" });
    expect(await admin.invites.retrieve(made.id)).toMatchObject({ id: made.id, status: "pending" });
    expect((await collect(admin.invites.list({ limit: 1 }))).map(({ id }) => id)).toContain(made.id);
    const twice = await failure(admin.invites.create({ email, role: "reader" }));
    expect(twice).toBeInstanceOf(OpenAI.ConflictError);
    expect(await failure(admin.invites.create({ email: newEmail(), role: "owner" }))).toBeInstanceOf(
      OpenAI.PermissionDeniedError,
    );
    expect((await operator.invites.create({ email: newEmail(), role: "owner" })).role).toBe("owner");
    expect(await admin.invites.delete(made.id)).toMatchObject({ deleted: true });
    expect(await failure(admin.invites.retrieve(made.id))).toBeInstanceOf(OpenAI.NotFoundError);
    expect((await collect(admin.invites.list())).map(({ id }) => id)).not.toContain(made.id);
  });

  test("have one role of five, which OpenAI's two words stand for", async () => {
    const person = openBrowser(world.place.edge);
    const email = newEmail();
    await person.signIn(email);
    const home = (await person.send("POST", "/control/orgs", { name: "Home" })).body.id;
    const theirs = open(world.place.adminKey, home);
    const [owner] = await collect(theirs.users.list());
    expect(owner).toMatchObject({ object: "organization.user", email, role: "owner" });
    const id = owner?.id ?? "";
    expect((await collect(theirs.users.list({ emails: [email, newEmail()] }))).length).toBe(1);
    expect(await collect(theirs.users.list({ emails: [newEmail()] }))).toEqual([]);
    const last = await failure(theirs.users.update(id, { role: "reader" }));
    expect(last).toBeInstanceOf(OpenAI.ConflictError);
    expect(last).toMatchObject({ message: expect.stringMatching(/last owner/) });
    const roles = await collect(theirs.roles.list());
    expect(roles.map(({ name }) => name)).toEqual(["owner", "admin", "developer", "billing", "viewer"]);
    expect(await theirs.roles.retrieve("role_billing")).toMatchObject({ predefined_role: true, name: "billing" });
    const [assigned] = await collect(theirs.users.roles.list(id));
    expect(assigned).toMatchObject({ id: "role_owner", name: "owner" });
    expect(await failure(theirs.users.roles.create(id, { role_id: "role_viewer" }))).toBeInstanceOf(
      OpenAI.ConflictError,
    );
    expect(await failure(theirs.users.roles.delete("role_owner", { user_id: id }))).toBeInstanceOf(
      OpenAI.ConflictError,
    );
    expect(await failure(theirs.users.delete(id))).toBeInstanceOf(OpenAI.ConflictError);
    expect(await failure(admin.users.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
    const made = await failure(theirs.roles.create({ role_name: "x", permissions: [] }));
    expect(made).toMatchObject({ status: 405, code: "method_not_allowed" });
  });
});

describe("money", () => {
  test("has a limit, which stops calls, and alerts at amounts", async () => {
    const { id: project } = await admin.projects.create({ name: "Thrifty" });
    for (const [limit, alerts] of [
      [admin.spendLimit, admin.spendAlerts],
      [
        {
          retrieve: () => admin.projects.spendLimit.retrieve(project),
          update: (body: OpenAI.Admin.Organization.SpendLimitUpdateParams) =>
            admin.projects.spendLimit.update(project, body),
          delete: () => admin.projects.spendLimit.delete(project),
        },
        null,
      ],
    ] as const) {
      expect(await failure(limit.retrieve())).toBeInstanceOf(OpenAI.NotFoundError);
      const set = { currency: "USD", interval: "month", threshold_amount: 5_000 } as const;
      expect(await limit.update(set)).toMatchObject({ threshold_amount: 5_000, enforcement: { status: "inactive" } });
      expect((await limit.update({ ...set, threshold_amount: 10_000 })).threshold_amount).toBe(10_000);
      expect((await limit.retrieve()).threshold_amount).toBe(10_000);
      if (!alerts) {
        const { budgets } = await control("GET", "/budgets");
        expect(budgets.find((budget: { project: string }) => budget.project === project)).toMatchObject({
          amountMicros: 100_000_000,
          isStop: true,
        });
      }
      expect(await limit.delete()).toMatchObject({ deleted: true });
      expect(await failure(limit.delete())).toBeInstanceOf(OpenAI.NotFoundError);
    }
    const euros = { currency: "EUR", interval: "month", threshold_amount: 5 } as never;
    expect(await failure(admin.spendLimit.update(euros))).toMatchObject({ status: 400, param: "currency" });
  });

  test("tells of amounts, as shares of one budget, whoever sets them at once", async () => {
    const { id: project_id } = await admin.projects.create({ name: "Alerted" });
    const channel = { type: "email", recipients: [] } as const;
    const at = (threshold_amount: number) => ({
      currency: "USD" as const,
      interval: "month" as const,
      threshold_amount,
      notification_channel: { ...channel, recipients: [] },
    });
    const alerts = admin.projects.spendAlerts;
    const first = await alerts.create(project_id, at(10_000));
    expect(first).toMatchObject({ object: "project.spend_alert", threshold_amount: 10_000 });
    await Promise.all([2_000, 5_000, 15_000].map((amount) => alerts.create(project_id, at(amount))));
    const amounts = async () =>
      (await collect(alerts.list(project_id, { limit: 2 }))).map(({ threshold_amount }) => threshold_amount);
    expect(await amounts()).toEqual([2_000, 5_000, 10_000, 15_000]);
    expect(await failure(alerts.create(project_id, at(5_000)))).toBeInstanceOf(OpenAI.ConflictError);
    const set = { currency: "USD", interval: "month", threshold_amount: 20_000 } as const;
    await admin.projects.spendLimit.update(project_id, set);
    expect(await amounts()).toEqual([2_000, 5_000, 10_000, 15_000]);
    const [lowest] = await collect(alerts.list(project_id));
    const moved = await alerts.update(lowest?.id ?? "", { project_id, ...at(3_000) });
    expect(moved.threshold_amount).toBe(3_000);
    expect(await alerts.retrieve(moved.id, { project_id })).toEqual(moved);
    expect(await failure(alerts.retrieve(lowest?.id ?? "", { project_id }))).toBeInstanceOf(OpenAI.NotFoundError);
    await admin.projects.spendLimit.delete(project_id);
    for (const { id } of await collect(alerts.list(project_id))) await alerts.delete(id, { project_id });
    expect(await amounts()).toEqual([]);
    const mailed = { ...at(5), notification_channel: { type: "email" as const, recipients: ["ada@example.test"] } };
    expect(await failure(admin.spendAlerts.create(mailed))).toMatchObject({
      status: 400,
      param: "notification_channel.recipients",
    });
  });
});

test("what is kept of calls is set, and a project keeps what its org does", async () => {
  const { id: project } = await admin.projects.create({ name: "Kept" });
  expect((await admin.dataRetention.retrieve()).type).toBe("zero_data_retention");
  const stored = { retention_type: "modified_abuse_monitoring" } as const;
  expect((await admin.dataRetention.update(stored)).type).toBe("modified_abuse_monitoring");
  expect((await control("GET", "")).responseRetentionHours).toBe(720);
  await control("PUT", "/response-retention", { hours: 5 });
  await admin.dataRetention.update(stored);
  expect((await control("GET", "")).responseRetentionHours).toBe(5);
  expect((await admin.dataRetention.update({ retention_type: "zero_data_retention" })).type).toBe(
    "zero_data_retention",
  );
  expect((await admin.projects.dataRetention.retrieve(project)).type).toBe("organization_default");
  const own = { retention_type: "zero_data_retention" } as const;
  expect(await failure(admin.projects.dataRetention.update(project, own))).toMatchObject({
    status: 400,
    param: "retention_type",
  });
});
