import { beforeEach, expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";
import { untilIdle, workDone } from "./engines.ts";

const world = worldAt(inject("place"));
beforeEach(() => untilIdle(60_000).then(() => undefined));

test("an Idempotency-Key runs once on vLLM; repeats are refused, then replayed with its id and usage", async () => {
  const org = await world.newOrg();
  const before = await workDone();
  const headers = { "idempotency-key": "order-66" };
  const call = { stream: true, max_tokens: 200, ignore_eos: true };
  const running = await world.chat(org.key, call, headers);
  const during = await world.chat(org.key, call, headers);
  expect(during.status).toBe(409);
  expect(await during.json()).toMatchObject({ error: { code: "idempotency_in_progress" } });
  const first = JSON.parse(
    (await running.text())
      .split("\n\n")
      .find((block) => block.startsWith("data: "))!
      .slice(6),
  );
  const [row] = await world.settled(org.id);
  const after = await world.chat(org.key, call, headers);
  expect(after.status).toBe(409);
  expect(await after.json()).toMatchObject({
    error: {
      code: "idempotency_replayed",
      first_call: {
        id: first.id,
        usage: {
          prompt_tokens: row?.promptTokens,
          completion_tokens: 200,
          total_tokens: Number(row?.promptTokens) + 200,
        },
      },
    },
  });
  const other = await world.chat(org.key, { ...call, max_tokens: 2 }, headers);
  expect(await other.json()).toMatchObject({ error: { code: "idempotency_mismatch" } });
  expect(await world.settled(org.id)).toHaveLength(1);
  expect((await workDone()).generated - before.generated).toBe(200);
});

test("of 20 concurrent calls with one key exactly one reaches vLLM", async () => {
  const org = await world.newOrg();
  const before = await workDone();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      world.chat(org.key, { max_tokens: 7, ignore_eos: true }, { "idempotency-key": "storm" }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(409)]);
  expect(await world.settled(org.id)).toMatchObject([{ completionTokens: 7 }]);
  await expect.poll(async () => (await workDone()).generated - before.generated).toBe(7);
});
