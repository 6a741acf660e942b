import { expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const headerNames = (response: Response) =>
  [...response.headers.keys()].filter((name) => name !== "x-request-id" && name !== "date").sort();

test("a revoke that has answered is in force for every call that starts after it", async () => {
  const org = await world.newOrg();
  const key = await world.newKey(org.id);
  const history: { startedAtMs: number; status: number }[] = [];
  let revokedAtMs = Infinity;
  const caller = async () => {
    // For 300 ms after the revoke, and at least two calls each, however slow the machine is.
    for (let after = 0; performance.now() < revokedAtMs + 300 || after < 2;) {
      const startedAtMs = performance.now();
      if (startedAtMs > revokedAtMs) after++;
      const { status } = await world.chat(key.secret, { max_tokens: 1 });
      history.push({ startedAtMs, status });
    }
  };
  const callers = Array.from({ length: 8 }, caller);
  await new Promise((done) => setTimeout(done, 300));
  await world.must("POST", `/orgs/${org.id}/keys/${key.id}/revoke`);
  revokedAtMs = performance.now();
  await Promise.all(callers);
  const after = history.filter(({ startedAtMs }) => startedAtMs > revokedAtMs);
  expect(after.length).toBeGreaterThan(8);
  expect(after.every(({ status }) => status === 401)).toBe(true);
  expect(history.some(({ status }) => status === 200)).toBe(true);
});

test("unknown, malformed, forged, revoked and expired keys get the same 401, to the header", async () => {
  const org = await world.newOrg();
  const revoked = await world.newKey(org.id);
  await world.must("POST", `/orgs/${org.id}/keys/${revoked.id}/revoke`);
  const expiring = await world.newKey(org.id, { expiresAt: new Date(Date.now() + 1_000).toISOString() });
  await new Promise((done) => setTimeout(done, 1_100));
  const forged = org.key.slice(0, 30) + (org.key[30] === "A" ? "B" : "A") + org.key.slice(31);
  const wrong = ["x", "sk-pen-", "Bearer", forged, revoked.secret, expiring.secret];
  const answers = await Promise.all(wrong.map((key) => world.chat(key, { max_tokens: 1 })));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  expect(answers.map(({ status }) => status)).toEqual(wrong.map(() => 401));
  expect(new Set(bodies).size).toBe(1);
  expect(new Set(answers.map((answer) => headerNames(answer).join()))).toHaveProperty("size", 1);
  expect(answers[0]?.headers.get("www-authenticate")).toBe("Bearer");
  expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
    error: { type: "authentication_error", code: "invalid_api_key", param: null },
  });
});

test("a missing key is the same 401", async () => {
  const response = await fetch(`${world.place.edge}/v1/chat/completions`, { method: "POST", body: "{}" });
  expect(response.status).toBe(401);
});

test("a key is bound to its endpoints, models and addresses", async () => {
  const org = await world.newOrg();
  const embedder = await world.newKey(org.id, { endpoints: ["embeddings"] });
  const chatter = await world.newKey(org.id, { models: ["chat"] });
  const remote = await world.newKey(org.id, { ipCidrs: ["203.0.113.0/24", "2001:db8::/32"] });
  const refused = await world.chat(embedder.secret);
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ error: { type: "permission_error", code: "insufficient_permissions" } });
  const wrongModel = await world.post("/text2sql", chatter.secret, { messages: [{ role: "user", content: "x" }] });
  expect(wrongModel.status).toBe(404);
  expect(await wrongModel.json()).toMatchObject({ error: { code: "model_not_found", param: "model" } });
  const elsewhere = await world.chat(remote.secret);
  expect(elsewhere.status).toBe(401);
  expect(await elsewhere.json()).toMatchObject({ error: { code: "ip_not_authorized" } });
});

test("after a rotation both keys work for the overlap, then only the new one", async () => {
  const org = await world.newOrg();
  const old = await world.newKey(org.id, { models: ["chat"] });
  const fresh = await world.must("POST", `/orgs/${org.id}/keys/${old.id}/rotate`, { overlapSeconds: 2 });
  expect((await world.chat(old.secret, { max_tokens: 1 })).status).toBe(200);
  expect((await world.chat(fresh.secret, { max_tokens: 1 })).status).toBe(200);
  await new Promise((done) => setTimeout(done, 2_100));
  expect((await world.chat(old.secret, { max_tokens: 1 })).status).toBe(401);
  expect((await world.chat(fresh.secret, { max_tokens: 1 })).status).toBe(200);
});

test("a suspended org is refused on its next call and served again when it is back", async () => {
  const org = await world.newOrg();
  await world.must("PATCH", `/orgs/${org.id}`, { isSuspended: true });
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(401);
  await world.must("PATCH", `/orgs/${org.id}`, { isSuspended: false });
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
});

test("another org's key sees nothing of ours: a hold, a row, a model list", async () => {
  const [one, other] = [await world.newOrg(), await world.newOrg()];
  await world.chat(one.key, { max_tokens: 1 });
  await world.settled(one.id);
  expect(await world.settled(other.id)).toEqual([]);
  const admin = await world.newKey(other.id, { kind: "admin" });
  for (const path of [`/orgs/${one.id}`, `/orgs/${one.id}/keys`, `/orgs/${one.id}/ledger`, `/orgs/${one.id}/usage`]) {
    const theirs = await world.control("GET", path, undefined, admin.secret);
    const nonexistent = await world.control("GET", path.replace(one.id, "org_0000000000"), undefined, admin.secret);
    expect(theirs).toEqual(nonexistent);
    expect(theirs.status).toBe(404);
  }
});

test("a client token stands for its key, narrower, for its time, and dies with the key", async () => {
  const org = await world.newOrg();
  const key = await world.newKey(org.id);
  const mint = async (body: unknown, by = key.secret) => {
    const response = await world.post("/v1/client-tokens", by, body);
    return { status: response.status, body: (await response.json()) as { token: string; expires_at: number } };
  };
  const { status, body } = await mint({ expires_in: 60, models: ["chat"], endpoints: ["chat.completions", "models"] });
  expect(status).toBe(201);
  expect(body.expires_at * 1_000 - Date.now()).toBeLessThanOrEqual(60_000);
  expect((await world.chat(body.token, { max_tokens: 1 })).status).toBe(200);
  expect((await world.post("/v1/completions", body.token, { model: "chat", prompt: "x" })).status).toBe(403);
  expect((await world.chat(body.token, { model: "text2sql", max_tokens: 1 })).status).toBe(404);
  const listed = await fetch(`${world.place.edge}/v1/models`, { headers: { authorization: `Bearer ${body.token}` } });
  const { data } = (await listed.json()) as { data: { id: string; root?: string | null }[] };
  expect(data.map(({ id }) => id)).toEqual(["Qwen/Qwen2.5-7B-Instruct", "chat"]);
  expect((await mint({}, body.token)).status).toBe(403);
  expect((await mint({ expires_in: 7_200 })).status).toBe(400);
  expect((await mint({ models: ["nope"] })).status).toBe(404);
  const [row] = await world.settled(org.id);
  expect(row?.key).toBe(key.id);

  const forged = `${body.token.slice(0, -8)}AAAAAAAA`;
  expect((await world.chat(forged, { max_tokens: 1 })).status).toBe(401);
  const brief = await mint({ expires_in: 1 });
  await new Promise((done) => setTimeout(done, 2_100));
  expect((await world.chat(brief.body.token, { max_tokens: 1 })).status).toBe(401);
  await world.must("POST", `/orgs/${org.id}/keys/${key.id}/revoke`);
  expect((await world.chat(body.token, { max_tokens: 1 })).status).toBe(401);
});
