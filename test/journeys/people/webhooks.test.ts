import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOwnStack, untilHealthy, type OwnStack } from "#test/support/stack/stack.ts";
import { openReceiver, type Received } from "#test/support/webhooks/receiver.ts";

/** Events on their way to a receiver, over real HTTP, and what becomes of them when it or the edge fails. */
type Receiver = Awaited<ReturnType<typeof openReceiver>>;
let own: OwnStack;
let receiver: Receiver;
let keysAt: Receiver;
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });

beforeAll(async () => {
  receiver = await openReceiver({
    "/lies": (response, nth) => void response.writeHead(nth < 3 ? 500 : 200).end("at last"),
    "/redirects": (response) => void response.writeHead(307, { location: `${receiver.url}/elsewhere` }).end(),
    "/hangs-up": (_, __, socket) => void socket.destroy(),
    "/slow": () => undefined,
    "/large": (response) => void response.writeHead(200).end(Buffer.alloc(10_000_000, "x")),
    "/dead": (response) => void response.writeHead(503).end(),
  });
  keysAt = await openReceiver({
    "/keys": (response) => {
      const key = pair.publicKey.export({ type: "spki", format: "pem" });
      response.end(JSON.stringify({ public_keys: [{ key_identifier: "k1", key, is_current: true }] }));
    },
  });
  own = await openOwnStack({
    entry: "test/support/faults/storage-edge.ts",
    vars: { WEBHOOK_WAIT_MS: "1500", WEBHOOK_WINDOW_MS: "5110", LEAK_KEYS_URL: `${keysAt.url}/keys` },
  });
});
afterAll(async () => {
  await own.close();
  await receiver.close();
  await keysAt.close();
});

/** What the cron does, now or at a later time. */
const runChores = async (laterMs = 0) => {
  const headers = { "x-test-later-ms": String(laterMs) };
  expect((await fetch(`${own.world.place.edge}/test/chores`, { headers })).status).toBe(204);
};
/** Longer than whoever died in the middle of sending holds what they sent. */
const leaseEndMs = 50_000;
const hook = (org: string, path: string, over: object = {}) =>
  own.world.must("POST", `/orgs/${org}/webhooks`, { url: receiver.url + path, ...over });
const deliveries = async (org: string, webhook: string) =>
  (await own.world.must("GET", `/orgs/${org}/webhooks/${webhook}/deliveries`)).deliveries;
const unwrap = (secret: string, { headers, body }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

async function until<T>(read: () => Promise<T> | T, isRight: (value: T) => boolean, choresAtMs?: number): Promise<T> {
  for (let tries = 0; tries < 150; tries++, await sleep(100)) {
    if (choresAtMs !== undefined) await runChores(choresAtMs);
    const value = await read();
    if (isRight(value)) return value;
  }
  throw new Error(`it did not come to be: ${JSON.stringify(await read())}`);
}

test("an event reaches its receiver behind the answer, and both official verifiers take it as it is", async () => {
  const org = await own.world.newOrg();
  const { secret } = await hook(org.id, "/good");
  const key = await own.world.newKey(org.id, { name: "heard" });
  const [sent] = await until(
    () => receiver.at("/good"),
    (all) => all.length > 0,
  );
  expect(unwrap(secret, sent!)).toMatchObject({ type: "key.created", data: { key: key.id, name: "heard" } });
  const openai = new OpenAI({ apiKey: "none", webhookSecret: secret });
  const event = await openai.webhooks.unwrap(sent!.body, sent!.headers as Record<string, string>);
  expect(event).toMatchObject({ id: sent!.headers["webhook-id"], object: "event", type: "key.created" });
});

test("a receiver that lies, redirects, hangs up, is silent or sends 10 MB", async () => {
  const org = await own.world.newOrg();
  const paths = ["/lies", "/redirects", "/hangs-up", "/slow", "/large"];
  const hooks = await Promise.all(paths.map((path) => hook(org.id, path, { types: ["key.revoked"] })));
  const { id } = await own.world.newKey(org.id);
  await own.world.must("POST", `/orgs/${org.id}/keys/${id}/revoke`);
  const [lies, redirects, hangsUp, slow, large] = await Promise.all(
    hooks.map(({ id: webhook }) =>
      until(
        async () => (await deliveries(org.id, webhook))[0],
        (row) => row.lastTryAt !== null && (row.lastCode !== null || row.lastError !== null),
      ),
    ),
  );
  expect(lies).toMatchObject({ lastCode: 500, lastError: "status" });
  expect(redirects).toMatchObject({ lastCode: 307, lastError: "redirect" });
  expect(hangsUp).toMatchObject({ lastCode: null, lastError: "connection" });
  expect(slow).toMatchObject({ lastCode: null, lastError: "timeout" });
  expect(large).toMatchObject({ status: "delivered", lastCode: 200 });
  const shown = await own.world.must("GET", `/orgs/${org.id}/deliveries/${large.id}`);
  expect(shown.responseExcerpt).toBe("x".repeat(1_000));
  const arrived = await until(
    async () => (await deliveries(org.id, hooks[0]!.id))[0],
    ({ status }) => status === "delivered",
    0,
  );
  expect(arrived).toMatchObject({ tries: 3, lastCode: 200 });
  const ids = receiver.at("/lies").map(({ headers }) => headers["webhook-id"]);
  expect([ids.length, new Set(ids).size, receiver.at("/elsewhere")]).toEqual([3, 1, []]);
});

test("a receiver that fails for the whole window is switched off, and the org's others hear of it", async () => {
  const org = await own.world.newOrg();
  const { id } = await hook(org.id, "/dead");
  const { secret } = await hook(org.id, "/told", { types: ["webhook.disabled"] });
  await own.world.newKey(org.id);
  await until(
    () => own.world.must("GET", `/orgs/${org.id}/webhooks/${id}`),
    ({ isEnabled }) => !isEnabled,
    0,
  );
  const [told] = await until(
    () => receiver.at("/told"),
    (all) => all.length > 0,
    0,
  );
  expect(unwrap(secret, told!)).toMatchObject({ type: "webhook.disabled", data: { webhook: id } });
  const { entries } = await own.world.must("GET", `/orgs/${org.id}/audit?action=webhook.disabled`);
  expect(entries).toMatchObject([{ target: id, actor: { kind: "house" } }]);
});

test("old and new secret both verify during the overlap, the old one fails after it (J5)", async () => {
  const org = await own.world.newOrg();
  const { id, secret: old } = await hook(org.id, "/rotated");
  const { secret } = await own.world.must("POST", `/orgs/${org.id}/webhooks/${id}/rotate`, { overlapSeconds: 2 });
  const send = async () => {
    const before = receiver.at("/rotated").length;
    await own.world.must("POST", `/orgs/${org.id}/webhooks/${id}/test`);
    return (
      await until(
        () => receiver.at("/rotated"),
        (all) => all.length > before,
      )
    ).at(-1)!;
  };
  const during = await send();
  expect([unwrap(old, during), unwrap(secret, during)]).toMatchObject([
    { type: "webhook.test" },
    { type: "webhook.test" },
  ]);
  await sleep(2_100);
  const after = await send();
  expect(unwrap(secret, after)).toMatchObject({ type: "webhook.test" });
  expect(() => unwrap(old, after)).toThrow();
});

test("a limit that is reached is an event once a window, and the refusals are as they were", async () => {
  const org = await own.world.newOrg({ tokensPerDay: 1 });
  const { secret } = await hook(org.id, "/limits", { types: ["limit.reached"] });
  const answers = await Promise.all(Array.from({ length: 8 }, () => own.world.chat(org.key, { max_tokens: 5 })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
  const [sent] = await until(
    () => receiver.at("/limits"),
    (all) => all.length > 0,
  );
  expect(unwrap(secret, sent!)).toMatchObject({ data: { window: "tokensPerDay", of: "org", limit: 1 } });
  await own.world.chat(org.key, { max_tokens: 5 });
  await runChores();
  expect((await own.world.must("GET", `/orgs/${org.id}/events?type=limit.reached`)).events).toHaveLength(1);
  expect(receiver.at("/limits")).toHaveLength(1);
});

test("a leaked key that a signed report names is refused at the next call", async () => {
  const org = await own.world.newOrg();
  const body = JSON.stringify([
    { token: org.key, type: "penstock_api_key", url: "https://x.example.test", source: "commit" },
  ]);
  const report = (signature: string) =>
    fetch(`${own.world.place.edge}/leaks`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "github-public-key-identifier": "k1",
        "github-public-key-signature": signature,
      },
      body,
    });
  expect((await report(createSign("sha256").update("else").sign(pair.privateKey, "base64"))).status).toBe(401);
  expect((await own.world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
  const answer = await report(createSign("sha256").update(body).sign(pair.privateKey, "base64"));
  expect([answer.status, await answer.json()]).toEqual([
    200,
    [
      {
        token_hash: createHash("sha256").update(org.key).digest("hex"),
        token_type: "penstock_api_key",
        label: "true_positive",
      },
    ],
  ]);
  expect((await own.world.chat(org.key, { max_tokens: 1 })).status).toBe(401);
  expect(own.logs.filter((line) => line.includes(org.key.slice(25)))).toEqual([]);
});

test("what waits for its receiver outlives an edge that is killed with -9 (J4)", async () => {
  const org = await own.world.newOrg();
  const { id, secret } = await hook(org.id, "/slow");
  const { id: other } = await hook(org.id, "/after", { isEnabled: false });
  const before = receiver.at("/slow").length;
  await own.world.newKey(org.id, { name: "survivor" });
  await until(
    () => receiver.at("/slow").length,
    (count) => count > before,
  );
  process.kill(own.stack.edge.pid!, "SIGKILL");
  await sleep(200);
  await untilHealthy(own.world.place.edge);
  await own.world.must("PATCH", `/orgs/${org.id}/webhooks/${id}`, { url: `${receiver.url}/after` });
  const [sent] = await until(
    () => receiver.at("/after"),
    (all) => all.length > 0,
    leaseEndMs,
  );
  expect(unwrap(secret, sent!)).toMatchObject({ type: "key.created", data: { name: "survivor" } });
  expect(await deliveries(org.id, other)).toEqual([]);
});
