import { env } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import { d1StorageControl } from "#edge/adapters/d1/storage-control.ts";
import { nameObject } from "#edge/adapters/d1/stored-responses.ts";
import { responseHoursMax } from "#edge/agreements/stored-limits.ts";
import { DB, migrate } from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

/** What both stores promise is tried by their contract (stored-responses.test.ts); here is what only these two have. */
const { RESPONSES } = env as unknown as { RESPONSES: R2Bucket };
const control = d1StorageControl({ db: DB, bucket: RESPONSES });

beforeAll(migrate);

test("bytes that a worker left behind without a row go once no org could have kept them", async () => {
  const nowMs = 1_800_000_000_000;
  const oldestMs = nowMs - (responseHoursMax + 24) * 3_600_000;
  const name = (created_at_ms: number) => nameObject("org_x", { id: "resp_x", created_at_ms });
  await RESPONSES.put(name(oldestMs - 1), "left");
  await RESPONSES.put(name(oldestMs), "young");
  await control.sweep(nowMs);
  const { objects } = await RESPONSES.list();
  expect(objects.map(({ key }) => key)).toEqual([name(oldestMs)]);
});

test("a shredded key has no text any more, and its row goes with the last that stood under it", async () => {
  const org = "org_keeper0001";
  await DB.prepare("INSERT INTO orgs (id, name, plan, limits, created_at_ms) VALUES (?, 'x', 'standard', '{}', 0)")
    .bind(org)
    .run();
  await control.switchOn(org, 1, { id: "okey_1", kid: "s1", wrapped: "text" }, 0);
  const keys = async () =>
    (await DB.prepare("SELECT wrapped FROM org_keys WHERE org = ?").bind(org).all<{ wrapped: string | null }>())
      .results;
  expect(await keys()).toEqual([{ wrapped: "text" }]);
  await control.switchOff(org);
  expect(await keys()).toEqual([{ wrapped: null }]);
  await control.sweep(0);
  expect(await keys()).toEqual([]);
});
