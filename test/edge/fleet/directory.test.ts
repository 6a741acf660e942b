import { expect, test } from "vitest";
import { openDirectory } from "#edge/fleet/directory.ts";
import { fleetReadMs } from "#edge/limits.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";

const t0 = 1_800_000_000_000;

test("keeps each configured node apart, in their order", () => {
  const directory = openDirectory([nodeOf("b"), nodeOf("a")]);
  directory.begin("node_a", t0);
  directory.hear({ heartbeat: heartbeatOf("node_b", { state: "warming" }), heardAtMs: t0 });
  expect(directory.view(t0).map(({ record, state, inFlight }) => [record.id, state, inFlight])).toEqual([
    ["node_b", "warming", 0],
    ["node_a", null, 1],
  ]);
});

test("two directories over the same nodes share nothing", () => {
  const nodes = [nodeOf("a")];
  const [one, other] = [openDirectory(nodes), openDirectory(nodes)];
  one.begin("node_a", t0);
  for (let i = 0; i < 3; i++) one.learn("node_a", "failed", null, t0);
  expect(one.view(t0)[0]).toMatchObject({ inFlight: 1, breaker: "open" });
  expect(other.view(t0)[0]).toMatchObject({ inFlight: 0, breaker: "closed" });
});

test("gives the right to read to one who asks in a second", () => {
  const directory = openDirectory([]);
  expect([0, 0, fleetReadMs - 1, fleetReadMs, fleetReadMs].map((ms) => directory.claimRead(t0 + ms))).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});
