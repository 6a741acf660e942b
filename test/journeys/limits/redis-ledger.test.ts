import { afterAll, beforeAll, expect, test } from "vitest";
import { isRedisThere } from "#test/support/redis.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { windowOf } from "#test/support/stack/world.ts";

let own: OwnStack;

beforeAll(async () => {
  if (isRedisThere) own = await openOwnStack({ ledger: "upstash" });
});
afterAll(() => own?.close());

test.skipIf(!isRedisThere)("Redis keeps the limits of the whole road", async () => {
  const { world } = own;
  const org = await world.newOrg({ requestsPerMinute: 20 });
  const answers = await Promise.all(Array.from({ length: 60 }, () => world.chat(org.key, { max_tokens: 2 })));
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(40);
  const served = answers.filter(({ status }) => status === 200).length;
  const rows = await world.settled(org.id);
  expect(rows).toHaveLength(served);
  const tokens = rows.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0);
  expect(windowOf(await world.ledger(org.id), "tokensPerMonth")).toMatchObject({ held: 0, settled: tokens });

  const key = await world.newKey(org.id);
  await world.must("PATCH", `/orgs/${org.id}`, { limits: { requestsPerMinute: null } });
  expect((await world.chat(key.secret, { max_tokens: 1 })).status).toBe(200);
  await world.must("POST", `/orgs/${org.id}/keys/${key.id}/revoke`);
  expect((await world.chat(key.secret, { max_tokens: 1 })).status).toBe(401);
});

test.skipIf(!isRedisThere)(
  "with Redis, too, a worker that loops at its limit of calls at once is never refused",
  async () => {
    const { world } = own;
    const org = await world.newOrg({ concurrency: 1 });
    for (let n = 0; n < 15; n++) {
      const headers = { "idempotency-key": `order-${n}` };
      const answer = await world.chat(org.key, { max_tokens: 3 }, headers);
      await answer.text();
      const again = await world.chat(org.key, { max_tokens: 3 }, headers);
      expect([answer.status, (await again.json()).error.code]).toEqual([200, "idempotency_replayed"]);
    }
    expect(await world.settled(org.id)).toHaveLength(15);
  },
);
