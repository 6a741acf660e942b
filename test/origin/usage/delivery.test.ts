import { expect, test } from "vitest";
import type { UsageBatch, UsageRecord } from "#edge/agreements/records/usage.ts";
import { deliver } from "#origin/usage/delivery.ts";
import { buildRecord } from "#test/support/fakes/origin.ts";

/** Delivers to an edge that answers each batch so; `aside` is what it refused for ever. */
async function deliverTo(answer: (batch: UsageBatch) => Response, records: UsageRecord[]) {
  const aside: UsageRecord[] = [];
  const options = {
    node: "node_test",
    edgeUrl: "http://edge.test",
    sign: () => "token",
    log: () => {},
    fetch: async (_: unknown, init?: RequestInit) => answer(JSON.parse(String(init?.body))),
  };
  const delivery = await deliver(records, options, { setAside: (refused) => void aside.push(...refused) });
  return { delivery, aside };
}

const records = Array.from({ length: 5 }, () => buildRecord());
const settle = (batch: UsageBatch) => Response.json({ settled: batch.records.length });

test("a receipt for the whole batch leaves nothing to send again, one for less leaves all of it", async () => {
  expect(await deliverTo(settle, records)).toEqual({ delivery: [], aside: [] });
  expect(await deliverTo(() => Response.json({ settled: 4 }), records)).toEqual({ delivery: "later", aside: [] });
});

test("only the records that the edge names wait; names of others mean nothing", async () => {
  const refuse = (unacknowledged: string[]) => () =>
    Response.json({ error: { code: "quota_unavailable", unacknowledged } }, { status: 503 });
  const [first, second] = [records[0]!, records[1]!];
  expect((await deliverTo(refuse([first.hold, second.hold]), records)).delivery).toEqual([first, second]);
  expect((await deliverTo(refuse([buildRecord().hold]), records)).delivery).toBe("later");
});

test("the one record that is refused for ever is set aside, and what waits beside it still waits", async () => {
  const [bad, slow] = [records[3]!, records[0]!];
  const answer = (batch: UsageBatch) => {
    const holds = batch.records.map(({ hold }) => hold);
    if (holds.includes(bad.hold)) return new Response(null, { status: 400 });
    if (!holds.includes(slow.hold)) return settle(batch);
    return Response.json({ error: { code: "quota_unavailable", unacknowledged: [slow.hold] } }, { status: 503 });
  };
  expect(await deliverTo(answer, records)).toEqual({ delivery: [slow], aside: [bad] });
});
