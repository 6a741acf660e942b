import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { setEmail, openHooks } from "#test/edge/control/webhooks/world.ts";

const { place, ask, hook, cause } = openHooks();

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const sha = (token: string) => createHash("sha256").update(token).digest("hex");
const sign = (body: string, key = pair.privateKey) => createSign("sha256").update(body).sign(key, "base64");

beforeEach(() => {
  place.world.leakKeys.fails = false;
  place.world.leakKeys.keys.set("k1", String(pair.publicKey.export({ type: "spki", format: "pem" })));
  place.world.publisher.fails = () => false;
});

const send = (body: string, headers: Record<string, string>) =>
  place.world.ask("POST", "/leaks", { key: null, rawBody: body, headers });
const report = (leaks: unknown, over: Record<string, string> = {}) => {
  const body = typeof leaks === "string" ? leaks : JSON.stringify(leaks);
  return send(body, {
    "github-public-key-identifier": "k1",
    "github-public-key-signature": sign(body),
    ...over,
  });
};
const leak = (token: string) => ({ token, type: "penstock_key", url: "https://code.example.test/x", source: "commit" });

describe("a signed report", () => {
  it("revokes each key of ours at once: store, ledger, audit, event, mail; and says which were", async () => {
    const { world } = place;
    const owner = await world.signIn(world.a.org, "owner");
    await setEmail(world, owner.user, "owner@example.test");
    await hook({ types: ["key.leaked"] });
    const key = await cause("leaky");
    const admin = (await ask("POST", "/keys", { name: "boss", kind: "admin" }, world.operator.key)).body;
    const forged = key.secret.replace(/.$/, (last: string) => (last === "0" ? "1" : "0"));
    const answer = await report([leak(key.secret), leak(admin.secret), leak(forged), leak("sk-other")]);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(
      [key.secret, admin.secret, forged, "sk-other"].map((token, at) => ({
        token_hash: sha(token),
        token_type: "penstock_key",
        label: at < 2 ? "true_positive" : "false_positive",
      })),
    );
    expect(world.publisher.key(key.id).isRevoked).toBe(true);
    expect((await ask("GET", "/whoami", undefined, admin.secret)).status).toBe(401);
    for (const { id } of [key, admin]) {
      const shown = (await ask("GET", `/keys/${id}`)).body;
      expect(shown.state).toBe("revoked");
      const audit = await world.select(
        "SELECT action, actor_kind FROM audit WHERE target = ? AND action = 'key.leaked'",
        id,
      );
      expect(audit).toEqual([{ action: "key.leaked", actor_kind: "house" }]);
    }
    await world.settle();
    await world.deliver();
    expect(world.web.posted.map(({ body }) => JSON.parse(body).data.key).toSorted()).toEqual(
      [key.id, admin.id].toSorted(),
    );
    expect(world.mailer.mails.map(({ to }) => to)).toEqual(["owner@example.test", "owner@example.test"]);
    const everything = JSON.stringify([world.logs, world.mailer.mails, world.web.posted]);
    for (const token of [key.secret, admin.secret]) expect(everything).not.toContain(token.slice(25));
    expect(JSON.stringify(await world.select("SELECT * FROM audit"))).not.toContain(key.secret.slice(25));
  });

  it("changes nothing the second time, and is still right", async () => {
    const key = await cause("twice");
    await report([leak(key.secret)]);
    const before = (await ask("GET", `/keys/${key.id}`)).body;
    const again = await report([leak(key.secret), leak(key.secret)]);
    expect(again.body.map(({ label }: { label: string }) => label)).toEqual(["true_positive", "true_positive"]);
    expect((await ask("GET", `/keys/${key.id}`)).body).toEqual(before);
  });

  it("with a ledger out of reach is 503, revokes the others, and heals by repeating", async () => {
    const [one, two] = [await cause("one"), await cause("two")];
    place.world.publisher.fails = ({ id }) => id === one.id;
    const answer = await report([leak(one.secret), leak(two.secret)]);
    expect([answer.status, answer.body.error.code]).toEqual([503, "store_unavailable"]);
    expect(place.world.publisher.key(two.id).isRevoked).toBe(true);
    place.world.publisher.fails = () => false;
    expect(place.world.publisher.key(one.id).isRevoked).toBe(false);
    expect((await report([leak(one.secret), leak(two.secret)])).status).toBe(200);
    expect(place.world.publisher.key(one.id).isRevoked).toBe(true);
  });

  it.each(["", "{}", "[1]", '[{"token":1,"type":"x"}]', "not json", '[{"type":"x"}]'])(
    "that says %j is 400, and revokes nothing",
    async (body) => expect((await report(body)).status).toBe(400),
  );

  it("of too many tokens or bytes is refused", async () => {
    expect((await report(Array.from({ length: 101 }, () => leak("x")))).status).toBe(400);
    expect((await report(JSON.stringify([leak("x".repeat(300_000))]))).status).toBe(413);
    expect((await report([leak("x".repeat(1_001))])).status).toBe(400);
  });
});

describe("a report that is not signed by whom we know", () => {
  it("is the same 401, whatever is wrong with it, and revokes nothing", async () => {
    const key = await cause("safe");
    const body = JSON.stringify([leak(key.secret)]);
    const good = { "github-public-key-identifier": "k1", "github-public-key-signature": sign(body) };
    const answers = [
      await send(body, {}),
      await send(body, { "github-public-key-identifier": "k1" }),
      await send(body, { "github-public-key-signature": sign(body) }),
      await send(body, { ...good, "github-public-key-identifier": "k2" }),
      await send(body, { ...good, "github-public-key-signature": sign(body, stranger.privateKey) }),
      await send(body, { ...good, "github-public-key-signature": "AAAA" }),
      await send(body, { ...good, "github-public-key-signature": "" }),
      await send(`${body} `, good),
      await send("not json", good),
    ];
    const { control } = place.world;
    const { leakKeys } = control;
    control.leakKeys = null;
    answers.push(await send(body, good));
    control.leakKeys = leakKeys;
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await ask("GET", `/keys/${key.id}`)).body.state).toBe("active");
  });

  it("is 503 while nobody can tell", async () => {
    place.world.leakKeys.fails = true;
    expect((await report([leak("x")])).body.error.code).toBe("store_unavailable");
  });
});
