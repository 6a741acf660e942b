import { afterAll, beforeAll, expect, test } from "vitest";
import { childrenOf } from "#test/support/stack/processes.ts";
import { openOwnStack, untilHealthy, type OwnStack } from "#test/support/stack/stack.ts";

let own: OwnStack;
beforeAll(async () => {
  own = await openOwnStack();
});
afterAll(() => own.close());

/**
 * A call that may make 5,000 tokens and is answered with a word; what its header says, once the whole answer is here.
 */
async function readTier(key: string): Promise<string> {
  const response = await own.world.chat(key, { max_tokens: 5_000, structured_outputs: { choice: ["yes", "no"] } });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("chat.completion")]);
  // What nodes tell the edge of callers' traffic is not for callers.
  expect(response.headers.get("x-penstock-profile")).toBeNull();
  return String(response.headers.get("x-penstock-tier"));
}

test("outputs that are always short make an org shared, and charged so, in spite of a large max_tokens", async () => {
  const [org, other] = [await own.world.newOrg(), await own.world.newOrg()];
  // The sixteenth end makes a profile, the seventeenth answer carries it.
  for (let call = 0; call < 17; call++)
    expect(await readTier(org.key)).toMatch(/^complex; kv=50\d\d gpu_s=2\d\.\d why=kv$/);
  expect(await readTier(org.key)).toMatch(/^shared; kv=\d\d gpu_s=0\.\d why=standard$/);
  expect(await readTier(other.key)).toMatch(/^complex; .* why=kv$/);
  const tiers = (await own.world.settled(org.id)).map(({ tier }) => tier);
  expect(tiers.filter((tier) => tier === "complex")).toHaveLength(17);
  expect(tiers.filter((tier) => tier === "shared")).toHaveLength(1);

  // An edge that starts afresh has no history, and gets it back with the first answer.
  const [workerd] = childrenOf(process.pid, "workerd");
  process.kill(workerd!, "SIGKILL");
  await untilHealthy(own.world.place.edge);
  expect(await readTier(org.key)).toMatch(/^complex; kv=50\d\d .* why=kv$/);
  expect(await readTier(org.key)).toMatch(/^shared; .* why=standard$/);

  // When the agents start afresh, too, the prior applies again.
  for (const node of own.stack.nodes) {
    node.agent.kill("SIGKILL");
    await node.restartAgent();
  }
  const [next] = childrenOf(process.pid, "workerd");
  process.kill(next!, "SIGKILL");
  await untilHealthy(own.world.place.edge);
  for (let call = 0; call < 3; call++) expect(await readTier(org.key)).toMatch(/^complex; kv=50\d\d .* why=kv/);
});
