import { globSync, readFileSync } from "node:fs";
import { Hono } from "hono";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_splitSqlQuery } from "wrangler";
import type { UsageRow } from "#edge/ledger/port.ts";
import { createSignInRoutes } from "#edge/control/sign-in/routes.ts";
import { openSignIn } from "#test/support/people/open-sign-in.ts";
import { openMasterKeys } from "#edge/agreements/sealing.ts";
import { openKeyring } from "#edge/agreements/tokens/key-format.ts";
import { generateRandomBytes, type Visit } from "#edge/visit.ts";
import { mintControlId } from "#edge/agreements/tokens/ids.ts";
import type { MemberRole } from "#edge/control/permissions.ts";
import { openApiDocument } from "#edge/control/http/open-api.ts";
import { takeLeaks } from "#edge/control/http/leaks.ts";
import { deliverDue } from "#edge/control/webhooks/sending/deliver.ts";
import type { ControlEnv, ControlPorts, SignedIn } from "#edge/control/http/port.ts";
import type { Database } from "#edge/control/http/store.ts";
import { createControlRoutes } from "#edge/control/http/routes.ts";
import { FakeFleet, FakePublisher, FakeSessions } from "#test/support/people/control-fakes.ts";
import { createOpenAiAdminRoutes } from "#edge/control/openai-admin/routes.ts";
import { insertPerson } from "#test/support/people/insert-person.ts";
import { refuseOdd } from "#test/support/webhooks/odd-events.ts";
import { FakeLeakKeys, FakeMailer, fakeModel, FakeWeb } from "#test/support/webhooks/fakes.ts";
import { buildErrorBody, buildErrorHeaders, Refusal } from "#edge/errors.ts";

export const bootstrapToken = "bootstrap-token-of-the-tests-0123456789";

/** Parsed JSON, of which a test expects what it expects. */
// oxlint-disable-next-line typescript/no-explicit-any -- a wrong shape fails the test that reads it
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
  text: string;
}

export interface Asking {
  key?: string | null;
  body?: unknown;
  rawBody?: string | ReadableStream;
  headers?: Record<string, string>;
}

export type World = Awaited<ReturnType<typeof openWorld>>;

/** The control routes over a real D1, with an operator and two orgs that each have an admin. */
export async function openWorld() {
  const worker = {
    modules: true,
    script: "export default { fetch() { return new Response() } }",
    d1Databases: ["DB"],
    compatibilityDate: "2026-08-15",
  };
  const mf = new Miniflare(convertV4MiniflareOptions(worker));
  const db: Database = (await mf.getD1Database("DB")) as never;
  const migrations = globSync("infra/migrations/*.sql").sort();
  const statements = migrations.flatMap((file) => unstable_splitSqlQuery(readFileSync(file, "utf8")));
  await db.batch(statements.map((sql) => db.prepare(sql)));
  const secret = (letter: string) => letter.repeat(43);
  const keyring = await openKeyring({ tagKeys: { t1: secret("A") }, peppers: { p1: secret("B") } });
  const publisher = new FakePublisher();
  const mover = {
    moved: new Array<string>(),
    fails: false,
    move: async (org: string) => {
      if (mover.fails) throw new Error("out of reach");
      mover.moved.push(org);
    },
  };
  const clock = { offsetMs: 0 };
  const logs: string[] = [];
  const pending: Promise<unknown>[] = [];
  const models = [
    fakeModel({ id: "qwen-chat", aliases: ["default", "gpt-4o"] }),
    fakeModel({ id: "embedder", endpoints: ["embeddings"] }),
  ];
  const fleet = new FakeFleet();
  const retention = {
    isPossible: true,
    fails: false,
    set: async (org: string, hours: number | null) => {
      if (retention.fails) throw new Error("out of reach");
      await db.prepare("UPDATE orgs SET response_hours = ? WHERE id = ?").bind(hours, org).run();
    },
  };
  const sessions = new FakeSessions();
  const now = () => Date.now() + clock.offsetMs;
  const web = new FakeWeb(now);
  const mailer = new FakeMailer();
  const leakKeys = new FakeLeakKeys();
  const masters = await openMasterKeys({ s1: secret("C") }, "webhook secrets");
  const webhooks = { masters, resolver: web, sender: web, isLocal: false, windowMs: 72 * 3_600_000 };
  const control: ControlPorts = {
    db,
    keyring,
    bootstrapToken,
    ipHeader: "cf-connecting-ip",
    publisher,
    retention,
    mover,
    models,
    fleet,
    currency: "EUR",
    ...openSignIn(db, sessions, webhooks),
    loginMasters: await openMasterKeys({ s1: secret("C") }, "login secrets"),
    mailer,
    publicUrl: null,
    webhooks,
    leakKeys,
    deliverer: { nudge: async (org) => (isNudging ? deliver(org) : undefined) },
  };
  let isNudging = false;
  const log: Visit["log"] = (event, facts) => void logs.push(JSON.stringify({ event, ...facts }));
  const delivererPorts = () => ({ ...control, now, random: generateRandomBytes, chance: () => 0, log });
  const deliver = (org: string | null = null) => deliverDue(delivererPorts(), org);
  const app = openDoor({ control, clock, logs, pending });

  const ask = async (method: string, path: string, asking: Asking = {}): Promise<Answer> => {
    const { key = bootstrapKey, body, rawBody, headers = {} } = asking;
    const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const request = new Request(`http://edge.test${path}`, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(sent !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent, duplex: "half" }),
    } as RequestInit);
    const answer = await app.fetch(request);
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.match(/^application\/json(?!l)/);
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : null };
  };
  let bootstrapKey = "";
  const first = await ask("POST", "/control/bootstrap", { key: bootstrapToken });
  bootstrapKey = first.body.key.secret;
  const operator = { org: first.body.org.id as string, key: bootstrapKey, keyId: first.body.key.id as string };
  const openOrg = async (name: string) => {
    const org = (await ask("POST", "/control/orgs", { body: { name } })).body.id as string;
    const admin = (await ask("POST", `/control/orgs/${org}/keys`, { body: { name: "admin", kind: "admin" } })).body;
    const key = (await ask("POST", `/control/orgs/${org}/keys`, { body: { name: "calls" } })).body;
    return {
      org,
      admin: admin.secret as string,
      adminId: admin.id as string,
      key: key.secret as string,
      keyId: key.id as string,
    };
  };
  /** Signs a person in, as a member of an org or of none; `key` asks as them. */
  const signIn = async (org: string | null, role: MemberRole, given: Partial<SignedIn> = {}) => {
    const user = mintControlId("user", generateRandomBytes);
    const person = {
      user,
      email: `${role}.${user.slice(-6).toLowerCase()}@example.test`,
      name: role,
      hasSecondFactor: false,
      isMfaEnabled: given.hasSecondFactor ?? false,
      isOperator: false,
      session: user,
      expiresAtMs: Date.now() + 3_600_000,
      onlyOrg: null,
      ...given,
    };
    sessions.people.set(user, person);
    await insertPerson(db, person, { org, role });
    const headers = { cookie: `session=${user}`, origin: "http://edge.test", "content-type": "application/json" };
    return { user, person, key: null, headers };
  };
  const a = await openOrg("Org A");
  const b = await openOrg("Org B");
  const select = async (sql: string, ...values: unknown[]) => {
    const statement = db.prepare(sql).bind(...values);
    return (await statement.all()).results as Record<string, Json>[];
  };
  /** Keys that are in force now. */
  const countKeys = async (org: string): Promise<number> => {
    const sql =
      "SELECT count(*) AS n FROM keys WHERE org = ? AND revoked_at_ms IS NULL AND coalesce(expires_at_ms, ?) >= ?";
    const [row] = await select(sql, org, Date.now(), Date.now());
    return row?.["n"];
  };
  /** Gives an org keys without a secret until so many are in force. */
  const fillKeys = async (org: string, count: number) => {
    await select(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO keys (id, org, kind, name, hint, digest, pepper_kid, created_at_ms)
       SELECT 'key_' || substr(?2, 5) || printf('%06d', i), ?2, 'inference', 'filler', '', '', 'p1', 1 FROM n`,
      count - (await countKeys(org)),
      org,
    );
    if ((await countKeys(org)) !== count) throw new RangeError("the org is not as full as it should be");
  };
  return {
    app,
    ask,
    countKeys,
    fillKeys,
    a,
    b,
    operator,
    control,
    db,
    select,
    publisher,
    retention,
    mover,
    fleet,
    mailer,
    sessions,
    signIn,
    clock,
    logs,
    pending,
    keyring,
    openOrg,
    web,
    leakKeys,
    delivererPorts,
    deliver,
    /** Whether events are sent behind what causes them; a test that sends by itself wants them to wait. */
    nudge: (on: boolean) => void (isNudging = on),
    /** Waits for the work behind all answers. */
    settle: async () => {
      for (let seen = -1; seen < pending.length;) {
        seen = pending.length;
        await Promise.all(pending);
      }
    },
    /** Whatever a file has done, each event that came of it has its type's shape. */
    close: async () => refuseOdd(await select("SELECT type, body FROM events")).finally(() => mf.dispose()),
  };
}

/** A door as edge/app.ts has it: sets visit and wiring, writes Refusals. */
function openDoor(world: {
  control: ControlPorts;
  clock: { offsetMs: number };
  logs: string[];
  pending: Promise<unknown>[];
}) {
  const app = new Hono<ControlEnv>();
  let visits = 0;
  app.use(async (c, next) => {
    const visit: Visit = {
      id: `req_${String(++visits).padStart(22, "0")}`,
      request: c.req.raw,
      leaving: c.req.raw.signal,
      headers: {},
      startedAtMs: Date.now(),
      now: () => Date.now() + world.clock.offsetMs,
      random: generateRandomBytes,
      chance: Math.random,
      afterwards: (work) => void world.pending.push(work.catch(() => world.logs.push("afterwards_failed"))),
      log: (event, facts) => void world.logs.push(JSON.stringify({ event, ...facts })),
      phase: "body",
      leave: () => visit.log("caller_left"),
      logRefusal: ({ code }) => visit.log("refused", { code }),
    };
    c.set("visit", visit);
    c.set("wiring", { control: world.control });
    await next();
  });
  app.route("/control", createControlRoutes());
  app.route("/v1/organization", createOpenAiAdminRoutes());
  app.route("/auth", createSignInRoutes());
  app.post("/leaks", async (c) => c.json(await takeLeaks(c.var.visit, world.control)));
  app.get("/openapi.json", (c) => c.json(openApiDocument()));
  const refuse = (refusal: Refusal) =>
    new Response(JSON.stringify(buildErrorBody(refusal)), {
      status: refusal.status,
      headers: buildErrorHeaders(refusal),
    });
  app.notFound(() => refuse(new Refusal("unknown_url")));
  app.onError((failure) => {
    if (failure instanceof Refusal) return refuse(failure);
    world.logs.push(`internal: ${failure.stack}`);
    return refuse(new Refusal("internal"));
  });
  return app;
}

/** Writes a usage row as the ledger's outbox would. */
export async function insertUsage(
  world: World,
  row: Partial<UsageRow> & { org: string; key: string },
): Promise<string> {
  const id = row.id ?? `hold_${Math.random().toString(36).slice(2).padEnd(22, "0").slice(0, 22)}`;
  const values = [
    id,
    row.hold ?? id.slice(0, 27),
    row.org,
    row.key,
    row.model ?? "qwen-chat",
    row.tier ?? "shared",
    row.endpoint ?? "chat.completions",
    row.end ?? "completed",
    row.responseId ?? null,
    row.promptTokens ?? 10,
    row.cachedTokens ?? 0,
    row.completionTokens ?? 20,
    row.costMicros ?? 5,
    row.admittedAtMs ?? 1_763_700_000_000,
    row.endedAtMs ?? 1_763_700_001_000,
    row.units ?? 0,
    row.ttftMs ?? null,
  ];
  await world.db
    .prepare(`INSERT INTO usage VALUES (${values.map(() => "?").join(",")})`)
    .bind(...values)
    .run();
  return id;
}

/** Every way in which an admin key may be no good. */
export async function badSessions(world: World, ask: (key: string | null) => Promise<Answer>): Promise<Answer[]> {
  const keys = [
    "x",
    "sk-pen-admin-x",
    `${world.a.admin.slice(0, -1)}!`,
    world.a.admin.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
  ];
  return Promise.all(keys.map(ask));
}
