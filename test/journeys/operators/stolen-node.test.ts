import { afterAll, beforeAll, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { authorizeNode, nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { buildRecord } from "#test/support/fakes/origin.ts";

let own: OwnStack;
beforeAll(async () => {
  own = await openOwnStack();
});
afterAll(() => own.close());

/** A final record of nothing for a hold, signed by a node with its own true key. */
async function settleAsNode(node: string, hold: string, org: string) {
  const keys = nodeKeysOf(node, own.stack.secrets.nodeMasterKeys);
  const stolen = buildRecord({ hold, org, promptTokens: 0, completionTokens: 0, endedAtMs: Date.now() });
  const body = JSON.stringify({ node, records: [stolen] });
  const response = await fetch(`${own.world.place.edge}/origin/usage`, {
    method: "POST",
    headers: { authorization: authorizeNode(node, body, Date.now(), keys) },
    body,
  });
  return { status: response.status, body: await response.json() };
}

test("a node cannot settle a call that runs on another: its record is refused, the other's own settles", async () => {
  const org = await own.world.newOrg({ concurrency: 1 });
  const response = await own.world.chat(org.key, { stream: true, max_tokens: 400, ignore_eos: true });
  const hold = String(response.headers.get("x-penstock-hold"));
  const reader = response.body!.getReader();
  await reader.read();
  const [made] = await own.world.made(hold);
  expect(made).toBeDefined();
  for (const { id } of own.stack.nodes)
    expect(await settleAsNode(id, hold, org.id)).toEqual({ status: 200, body: { refused: 1 } });
  // The slot is still taken, and the limit still holds.
  expect((await own.world.ledger(org.id)).openHolds).toMatchObject([{ hold }]);
  expect((await own.world.chat(org.key, { max_tokens: 1 })).status).toBe(429);
  while (!(await reader.read()).done);
  expect(await own.world.settled(org.id)).toMatchObject([{ hold, end: "completed", completionTokens: 400 }]);
  expect(own.logs.filter((line) => line.includes("usage_refused") && line.includes(hold))).toHaveLength(
    own.stack.nodes.length,
  );
});
