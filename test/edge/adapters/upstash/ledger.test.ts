import { afterAll, beforeAll, describe } from "vitest";
import { ledgerContract } from "../../../contracts/ledger-contract.ts";
import { isRedisThere, openWorld, type RedisWorld } from "./redis-world.ts";

/** Every promise of the port, over a real Redis behind the REST bridge; each restart is a kill -9 of Redis. */
describe.skipIf(!isRedisThere)("upstash", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("everysec")));
  afterAll(() => world?.close());

  ledgerContract("upstash ledger", (startMs) => world.open(startMs), { numRuns: 30, maxCommands: 80 });
});
