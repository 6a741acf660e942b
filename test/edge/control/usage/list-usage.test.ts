import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

const dayMs = 86_400_000;
const startMs = Date.parse("2026-11-01T00:00:00Z");

let world: World;
beforeAll(async () => {
  world = await openWorld();
  for (let at = 0; at < 6; at++) {
    const model = at % 2 ? "embedder" : "qwen-chat";
    await insertUsage(world, {
      id: `hold_${String(at).padStart(22, "0")}`,
      org: world.a.org,
      key: world.a.keyId,
      model,
      admittedAtMs: startMs + Math.floor(at / 2) * dayMs,
    });
  }
  await insertUsage(world, {
    id: `hold_${"0".repeat(22)}:late`,
    org: world.a.org,
    key: world.a.keyId,
    end: "adjusted",
    promptTokens: 0,
    completionTokens: 3,
    costMicros: 1,
    admittedAtMs: startMs,
  });
  await insertUsage(world, { org: world.b.org, key: world.b.keyId, admittedAtMs: startMs });
});
afterAll(() => world.close());

const list = async (query = "", key = world.a.admin) =>
  world.ask("GET", `/control/orgs/${world.a.org}/usage${query}`, { key });
const idsOf = (body: Json): string[] => body.rows.map(({ id }: { id: string }) => id.replace(/hold_0*(?=\d)/, ""));

it("lists an org's own rows, newest first, with totals in which a correction is no call", async () => {
  const { status, body } = await list();
  expect(status).toBe(200);
  expect(idsOf(body)).toEqual(["5", "4", "3", "2", "1", "0:late", "0"]);
  expect(body.totals).toEqual({
    calls: 6,
    promptTokens: 60,
    cachedTokens: 0,
    completionTokens: 123,
    units: 0,
    costMicros: 31,
  });
  expect(body.rows[0]).toEqual({
    id: `hold_${"5".padStart(22, "0")}`,
    hold: `hold_${"5".padStart(22, "0")}`,
    requestId: `req_${"5".padStart(22, "0")}`,
    org: world.a.org,
    key: world.a.keyId,
    model: "embedder",
    tier: "shared",
    endpoint: "chat.completions",
    end: "completed",
    responseId: null,
    promptTokens: 10,
    cachedTokens: 0,
    completionTokens: 20,
    units: 0,
    costMicros: 5,
    ttftMs: null,
    admittedAt: "2026-11-03T00:00:00.000Z",
    endedAt: "2025-11-21T04:40:01.000Z",
  });
});

it("includes `from` and not `to`, as dates, moments or ms", async () => {
  expect(idsOf((await list("?from=2026-11-02&to=2026-11-03")).body)).toEqual(["3", "2"]);
  expect(idsOf((await list("?from=2026-11-02T01:00:00%2B01:00&to=2026-11-03T00:00:00Z")).body)).toEqual(["3", "2"]);
  expect(idsOf((await list(`?from=${startMs + 2 * dayMs}`)).body)).toEqual(["5", "4"]);
  expect(idsOf((await list(`?to=${startMs + 1}`)).body)).toEqual(["1", "0:late", "0"]);
  expect((await list(`?from=${startMs + 2 * dayMs}`)).body.totals.calls).toBe(2);
});

it("finds a model by any of its names", async () => {
  expect(idsOf((await list("?model=default")).body)).toEqual(["4", "2", "0:late", "0"]);
  expect((await list("?model=gpt-4o")).body).toEqual((await list("?model=qwen-chat")).body);
});

it("finds a call by the hold that its answer carried, with what came late", async () => {
  expect(idsOf((await list(`?hold=hold_${"0".repeat(22)}`)).body)).toEqual(["0:late", "0"]);
  expect((await list(`?hold=hold_${"0".repeat(22)}`, world.a.admin)).body.totals.calls).toBe(1);
  expect((await list("?hold=req_1")).body.error.param).toBe("hold");
  const foreign = `/control/orgs/${world.b.org}/usage?hold=hold_${"0".repeat(22)}`;
  expect((await world.ask("GET", foreign, { key: world.b.admin })).body.rows).toEqual([]);
});

it("keeps to a key and a model", async () => {
  expect(idsOf((await list("?model=embedder")).body)).toEqual(["5", "3", "1"]);
  expect((await list(`?key=${world.a.keyId}`)).body.totals.calls).toBe(6);
  expect((await list(`?key=${world.a.adminId}`)).body).toEqual({
    rows: [],
    totals: { calls: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0, units: 0, costMicros: 0 },
    currency: "EUR",
    nextCursor: null,
  });
});

it("shows nothing of another org's key, no more than of one that does not exist", async () => {
  const foreign = await list(`?key=${world.b.keyId}`);
  expect(foreign.text).toBe((await list("?key=key_0000000000000000")).text);
});

it("pages without loss or repetition, even when rows arrive in between, and its totals cover all pages", async () => {
  const seen: string[] = [];
  let cursor: string | null = "";
  for (let pages = 0; cursor !== null && pages < 20; pages++) {
    const { body }: { body: Json } = await list(`?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    seen.push(...idsOf(body));
    expect(body.totals.calls).toBeGreaterThanOrEqual(6);
    cursor = body.nextCursor;
    await insertUsage(world, { org: world.a.org, key: world.a.keyId, admittedAtMs: startMs + 30 * dayMs + pages });
  }
  expect(seen).toEqual(["5", "4", "3", "2", "1", "0:late", "0"]);
});

it("refuses each field's bad values with the field's name", async () => {
  const bad: [string, string][] = [
    ["from=yesterday", "from"],
    ["from=2026-13-01", "from"],
    ["from=1e3", "from"],
    ["from=-1", "from"],
    ["to=999999999999999", "to"],
    ["to=2026-11-01T00:00:00", "to"],
    ["key=org_0000000000", "key"],
    ["key=", "key"],
    ["model=", "model"],
    [`model=${"x".repeat(201)}`, "model"],
    ["limit=0", "limit"],
    ["limit=١", "limit"],
    ["cursor=1.hold_", "cursor"],
    ["org=org_0000000000", "org"],
  ];
  for (const [query, param] of bad) {
    const answer = await list(`?${query}`);
    expect([query, answer.status, answer.body.error?.param]).toEqual([query, 400, param]);
  }
});
