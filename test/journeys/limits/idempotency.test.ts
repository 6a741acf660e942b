import { expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));

test("one Idempotency-Key and one body run once: in progress, then replayed with the first id and usage", async () => {
  const org = await world.newOrg();
  const headers = { "idempotency-key": "order-66" };
  const running = await world.chat(org.key, { stream: true, max_tokens: 150, ignore_eos: true }, headers);
  const hasty = { ...headers, "x-penstock-wait-ms": "0" };
  const during = await world.chat(org.key, { stream: true, max_tokens: 150, ignore_eos: true }, hasty);
  expect(during.status).toBe(409);
  expect(during.headers.get("retry-after")).toBe("1");
  expect(await during.json()).toMatchObject({ error: { code: "idempotency_in_progress" } });
  const first = JSON.parse((await running.text()).split("\n\n")[0]?.slice(6) ?? "");
  const [row] = await world.settled(org.id);
  const after = await world.chat(org.key, { stream: true, max_tokens: 150, ignore_eos: true }, headers);
  expect(after.status).toBe(409);
  expect(after.headers.get("x-should-retry")).toBe("false");
  expect(await after.json()).toMatchObject({
    error: {
      code: "idempotency_replayed",
      first_call: {
        id: first.id,
        usage: {
          prompt_tokens: row?.promptTokens,
          completion_tokens: 150,
          total_tokens: Number(row?.promptTokens) + 150,
        },
      },
    },
  });
  expect(await world.settled(org.id)).toHaveLength(1);
});

test("the same key with another body is a mismatch", async () => {
  const org = await world.newOrg();
  const headers = { "idempotency-key": "k1" };
  expect((await world.chat(org.key, { max_tokens: 1 }, headers)).status).toBe(200);
  const other = await world.chat(org.key, { max_tokens: 2 }, headers);
  expect(other.status).toBe(409);
  expect(await other.json()).toMatchObject({ error: { code: "idempotency_mismatch" } });
});

test("of 50 concurrent calls with one key exactly one runs and is charged", async () => {
  const org = await world.newOrg();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => world.chat(org.key, { max_tokens: 3 }, { "idempotency-key": "storm" })),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
  expect(await world.settled(org.id)).toHaveLength(1);
});

test("two orgs may use the same key", async () => {
  const [one, other] = [await world.newOrg(), await world.newOrg()];
  for (const org of [one, other])
    expect((await world.chat(org.key, { max_tokens: 1 }, { "idempotency-key": "same" })).status).toBe(200);
});

test("a refused call leaves its key free", async () => {
  const org = await world.newOrg({ requestsPerMinute: 1 });
  await world.chat(org.key, { max_tokens: 1 });
  expect((await world.chat(org.key, { max_tokens: 1 }, { "idempotency-key": "later" })).status).toBe(429);
  await world.must("PATCH", `/orgs/${org.id}`, { limits: { requestsPerMinute: 10 } });
  expect((await world.chat(org.key, { max_tokens: 1 }, { "idempotency-key": "later" })).status).toBe(200);
});
