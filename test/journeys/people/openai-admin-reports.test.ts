import OpenAI from "openai";
import { beforeAll, expect, inject, test } from "vitest";
import { newEmail } from "#test/support/people/browser.ts";
import { worldAt, type Org } from "#test/support/stack/world.ts";

/** Usage, costs and the log as OpenAI's own SDK asks for them, who is let in, and what is not there. */
const world = worldAt(inject("place"));
const daySeconds = 86_400;
let org: Org;
let admin: OpenAI["admin"]["organization"];
let projects: string[];
let today: number;

const open = (adminAPIKey: string, organization: string | null = null) =>
  new OpenAI({ baseURL: `${world.place.edge}/v1`, adminAPIKey, organization, maxRetries: 0 }).admin.organization;
const failure = (promise: PromiseLike<unknown>): Promise<unknown> => Promise.resolve(promise).then(String, (e) => e);

beforeAll(async () => {
  org = await world.newOrg();
  admin = open((await world.newKey(org.id, { kind: "admin" })).secret);
  const made = [await admin.projects.create({ name: "One" }), await admin.projects.create({ name: "Two" })];
  projects = made.map(({ id }) => id);
  for (const [at, project] of projects.entries()) {
    const { secret } = await world.newKey(org.id, { project });
    for (let calls = 0; calls <= at; calls++) await world.chat(secret, { max_tokens: 4 });
    await world.post("/v1/embeddings", secret, { model: "embed", input: "x" });
  }
  const rows = await world.settled(org.id);
  today = Math.floor(Math.min(...rows.map((row) => Date.parse(String(row["admittedAt"])))) / 86_400_000) * daySeconds;
});

test("usage comes in buckets, grouped and chosen, and its sums are those of the bill", async () => {
  const rows = await world.usage(org.id);
  const chats = rows.filter(({ model }) => !model.includes("embed"));
  const sum = (name: "promptTokens" | "completionTokens") => chats.reduce((all, row) => all + row[name], 0);
  const page = await admin.usage.completions({ start_time: today });
  const results = page.data.flatMap((bucket) => bucket.results);
  expect(results).toEqual([
    expect.objectContaining({
      object: "organization.usage.completions.result",
      num_model_requests: chats.length,
      input_tokens: sum("promptTokens"),
      output_tokens: sum("completionTokens"),
      project_id: null,
      model: null,
    }),
  ]);
  const grouped = await admin.usage.completions({ start_time: today, group_by: ["project_id", "model"] });
  const groups = grouped.data.flatMap((bucket) => bucket.results).map((result) => Object.entries(result));
  const counts = groups
    .map((entries) => Object.fromEntries(entries))
    .map((one) => [one["project_id"], one["num_model_requests"]]);
  expect(new Map(counts as [string, number][])).toEqual(
    new Map([
      [projects[0], 1],
      [projects[1], 2],
    ]),
  );
  const chosen = await admin.usage.completions({ start_time: today, project_ids: [projects[1] ?? ""] });
  expect(chosen.data.flatMap((bucket) => bucket.results)).toMatchObject([{ num_model_requests: 2 }]);
  const hourly = await admin.usage.embeddings({ start_time: today, bucket_width: "1h", limit: 48 });
  expect(hourly.data.flatMap((bucket) => bucket.results)).toMatchObject([{ num_model_requests: 2 }]);
  expect(hourly.data.every(({ start_time, end_time }) => end_time - start_time === 3_600)).toBe(true);
  expect((await admin.usage.images({ start_time: today })).data.flatMap((bucket) => bucket.results)).toEqual([]);
});

test("buckets go on page by page, without a gap", async () => {
  const start_time = today - 20 * daySeconds;
  const seen: number[] = [];
  let page: string | undefined;
  do {
    const answer = await admin.usage.completions({
      start_time,
      end_time: today + daySeconds,
      limit: 8,
      ...(page && { page }),
    });
    seen.push(...answer.data.map((bucket) => bucket.start_time));
    page = answer.next_page ?? undefined;
  } while (page !== undefined);
  expect(seen).toEqual(Array.from({ length: 21 }, (_, at) => start_time + at * daySeconds));
});

test("costs are in units of the currency, and add up to the bill", async () => {
  const rows = await world.usage(org.id);
  const total = rows.reduce((all, { costMicros }) => all + costMicros, 0);
  const { data } = await admin.usage.costs({ start_time: today, group_by: ["line_item", "project_id"] });
  const results = data.flatMap(
    (bucket) => bucket.results as OpenAI.Admin.Organization.UsageCostsResponse.Data.OrganizationCostsResult[],
  );
  const sum = results.reduce((all, { amount }) => all + (amount?.value ?? 0), 0);
  expect(Math.round(sum * 1_000_000)).toBe(total);
  expect(results.every(({ amount }) => amount?.currency === "usd")).toBe(true);
  expect(new Set(results.map(({ line_item }) => line_item))).toEqual(new Set(rows.map(({ model }) => model)));
});

test("what usage cannot tell is refused by its name", async () => {
  const ask = (query: object) => failure(admin.usage.completions({ start_time: today, ...query }));
  expect(await ask({ bucket_width: "1m" })).toMatchObject({ status: 400, param: "bucket_width" });
  expect(await ask({ group_by: ["batch"] })).toMatchObject({ status: 400, param: "group_by" });
  expect(await ask({ batch: true })).toMatchObject({ status: 400, param: "batch" });
  expect(await ask({ limit: 32 })).toMatchObject({ status: 400, param: "limit" });
  expect(await ask({ page: "page_1" })).toMatchObject({ status: 400, param: "page" });
  expect(await ask({ end_time: today })).toMatchObject({ status: 400, param: "end_time" });
});

test("the log is told in OpenAI's words, all of it, and found by them", async () => {
  const ids: string[] = [];
  for await (const entry of admin.auditLogs.list({ limit: 2 })) ids.push(entry.id);
  const { entries } = await world.must("GET", `/orgs/${org.id}/audit?limit=1000`);
  expect(ids).toEqual(entries.map(({ seq }: { seq: number }) => `audit_log_${seq}`));
  const types = ["project.created", "api_key.created"] as const;
  const found = (await admin.auditLogs.list({ event_types: [...types] })).data;
  expect(found.filter(({ type }) => type === "project.created")).toMatchObject([
    { "project.created": { id: projects[1] }, actor: { type: "api_key" } },
    { "project.created": { id: projects[0] }, actor: { type: "api_key" } },
  ]);
  expect(new Set(found.map(({ type }) => type))).toEqual(new Set(types));
  const about = await admin.auditLogs.list({ resource_ids: [projects[0] ?? ""] });
  expect(about.data).toHaveLength(1);
  const none = await admin.auditLogs.list({ effective_at: { gt: Math.ceil(Date.now() / 1_000) + 60 } });
  expect(none.data).toEqual([]);
});

test("nobody is let in but by an admin key, and each into its own org", async () => {
  for (const key of [org.key, "sk-pen-admin-x", "sk-admin-of-somebody-else"])
    expect(await failure(open(key).projects.list())).toBeInstanceOf(OpenAI.AuthenticationError);
  const other = await world.newOrg();
  const theirs = open((await world.newKey(other.id, { kind: "admin" })).secret);
  const { id: theirProject } = await theirs.projects.create({ name: "Theirs" });
  const lost = [
    await failure(admin.projects.retrieve(theirProject)),
    await failure(admin.projects.retrieve("proj_0000000000000000000000")),
    await failure(admin.projects.retrieve("nothing")),
    await failure(admin.projects.update(theirProject, { name: "Mine" })),
    await failure(admin.projects.apiKeys.list(theirProject)),
    await failure(admin.projects.serviceAccounts.create(theirProject, { name: "Mine" })),
    await failure(admin.projects.spendLimit.retrieve(theirProject)),
  ];
  for (const each of lost) {
    expect(each).toBeInstanceOf(OpenAI.NotFoundError);
    expect(each).toMatchObject({ code: "not_found", error: { message: "No such object exists.", param: null } });
  }
  const key = (await world.newKey(org.id, { kind: "admin" })).secret;
  for (const named of [other.id, "org_0000000000", "org-of-openai"])
    expect(await failure(open(key, named).projects.list())).toBeInstanceOf(OpenAI.NotFoundError);
  expect((await open(key, org.id).projects.list()).data).toHaveLength(2);
  expect((await open(world.place.adminKey, other.id).projects.list()).data.map(({ name }) => name)).toEqual(["Theirs"]);
  expect(await failure(open(key).users.delete("user_0000000000000000000000"))).toBeInstanceOf(OpenAI.NotFoundError);
});

test("a change that names a key of its own is made once", async () => {
  const options = { headers: { "Idempotency-Key": newEmail() } };
  await admin.projects.create({ name: "Once" }, options);
  const again = await failure(admin.projects.create({ name: "Once" }, options));
  expect(again).toMatchObject({ status: 409, code: "idempotency_replayed" });
});

test("what this gateway does not have is refused by its name", async () => {
  const [project = ""] = projects;
  const calls: [string, () => PromiseLike<unknown>][] = [
    ["certificates", () => admin.certificates.list()],
    ["groups", () => admin.groups.list()],
    ["external keys", () => admin.externalKeys.list()],
    ["workload identity", () => admin.workloadIdentityProviders.list()],
    ["members of projects", () => admin.projects.users.list(project)],
    ["model permissions", () => admin.projects.modelPermissions.retrieve(project)],
    ["hosted tools", () => admin.projects.hostedToolPermissions.retrieve(project)],
    ["service tiers", () => admin.projects.serviceTierSettings.retrieve(project)],
    ["roles of projects", () => admin.projects.roles.list(project)],
    ["usage of moderations", () => admin.usage.moderations({ start_time: today })],
  ];
  for (const [part, call] of calls) {
    const refused = await failure(call());
    expect(refused).toBeInstanceOf(OpenAI.NotFoundError);
    const message = expect.stringMatching(new RegExp(`OpenAI's ${part}, which this gateway does not have`));
    expect(refused).toMatchObject({ code: "unknown_url", message });
  }
});
