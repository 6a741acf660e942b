import OpenAI from "openai";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { mintWebhookSecret, signDelivery } from "#edge/agreements/webhooks/signature.ts";
import { generateRandomBytes } from "#edge/visit.ts";

const now = () => Math.floor(Date.now() / 1_000);
const body = JSON.stringify({ type: "key.created", timestamp: "2026-01-31T12:00:00.000Z", data: { name: "ключ 🔑" } });

test("a secret has the form of Standard Webhooks, and is another each time", () => {
  const [one, two] = [mintWebhookSecret(generateRandomBytes), mintWebhookSecret(generateRandomBytes)];
  expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(one).not.toBe(two);
});

test("what is signed is verified by `standardwebhooks` and OpenAI's SDK as they are, under either secret", async () => {
  const [one, two, other] = [1, 2, 3].map(() => mintWebhookSecret(generateRandomBytes)) as [string, string, string];
  const headers = signDelivery({ id: "evt_x", timestamp: now(), body }, [one, two]);
  const openai = new OpenAI({ apiKey: "none" });
  for (const secret of [one, two]) {
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(await openai.webhooks.unwrap(body, headers, secret)).toEqual(JSON.parse(body));
  }
  expect(() => new Webhook(other).verify(body, headers)).toThrow();
  await expect(openai.webhooks.unwrap(body, headers, other)).rejects.toThrow();
  expect(() => new Webhook(one).verify(`${body} `, headers)).toThrow();
  expect(() => new Webhook(one).verify(body, { ...headers, "webhook-id": "evt_y" })).toThrow();
  const old = signDelivery({ id: "evt_x", timestamp: now() - 3_600, body }, [one]);
  expect(() => new Webhook(one).verify(body, old)).toThrow();
});

test("nothing is signed with what is no secret", () => {
  expect(() => signDelivery({ id: "evt_x", timestamp: 1, body }, ["secret"])).toThrow(TypeError);
});
