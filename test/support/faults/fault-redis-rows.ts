import { expect } from "vitest";
import type { Dependency, Fault } from "#test/journeys/faults/fault-table.ts";
import { expectChange } from "./fault-edge-rows.ts";
import { call, expectBill, expectCall, patiently, toldBy, type RunCell, type Stage } from "./fault-stage.ts";
import type { Hop, Place } from "./faulty-hop.ts";
import type { Org } from "#test/support/stack/world.ts";

type RedisRow = Extract<Dependency, `redis.${string}`>;

/** The ledger in Redis: each run puts the fault on the way to its REST, for one command of one org. */
export function redisRows(redis: () => Hop): Record<RedisRow, RunCell> {
  const orgWith = async (stage: Stage, command: string, fault: Fault, place: Place = "headers"): Promise<Org> => {
    const org = await stage.world.newOrg();
    // Late, but within its 250 ms.
    redis().arm({ keys: [org.id, `"${command}"`], place, fault, times: 1, ms: 40, shape: '{"result":["CANARY"]}' });
    return org;
  };
  return eachPatiently({
    "redis.admit": async (stage, fault, cell) => expectCall(stage, await orgWith(stage, "admit", fault), cell),
    // Nonsense is the worse when the bill was not taken.
    "redis.settle": async (stage, fault, cell) =>
      expectCall(stage, await orgWith(stage, "settle", fault, fault === "timeout" ? "headers" : "instead"), cell),
    "redis.introspect": async (stage, fault, cell) => {
      const org = await orgWith(stage, "introspect", fault);
      expect(
        await toldBy(fetch(`${stage.world.place.edge}/v1/models`, { headers: { authorization: `Bearer ${org.key}` } })),
      ).toBe(cell.told);
      await expectBill(stage.world, org, cell.billed);
    },
    "redis.release": async (stage, fault, cell) => {
      const org = await orgWith(stage, "release", fault);
      for (const hop of stage.nodes) hop.arm({ keys: [org.id], place: "refusal", fault: "garbage" });
      await expectCall(stage, org, cell);
    },
    "redis.publish": async (stage, fault, cell) =>
      expectChange(stage, await orgWith(stage, "publish", fault), cell.told),
    "redis.inspect": async (stage, fault, cell) => {
      const org = await orgWith(stage, "inspect", fault);
      const { edge, adminKey } = stage.world.place;
      expect(
        await toldBy(
          fetch(`${edge}/control/orgs/${org.id}/ledger`, { headers: { authorization: `Bearer ${adminKey}` } }),
        ),
      ).toBe(cell.told);
      await expectBill(stage.world, org, cell.billed);
    },
    "redis.outbox": async (stage, fault, cell) => {
      const org = await orgWith(stage, "outbox", fault);
      expect(await toldBy(call(stage.world, org))).toBe(cell.told);
      // What a drain left behind goes out with the next settlement, or with the cron, which here comes each second.
      const cron = setInterval(() => void fetch(`${stage.world.place.edge}/cron`).catch(() => undefined), 1_000);
      await expectBill(stage.world, org, cell.billed).finally(() => clearInterval(cron));
    },
  });
}

/** Where all is to go well, 250 ms may be too short on a busy machine. */
function eachPatiently<Name extends string>(rows: Record<Name, RunCell>): Record<Name, RunCell> {
  return Object.fromEntries(Object.entries<RunCell>(rows).map(([name, run]) => [name, patiently(run)])) as Record<
    Name,
    RunCell
  >;
}
