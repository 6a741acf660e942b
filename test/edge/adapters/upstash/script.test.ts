import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UsageRow } from "../../../../edge/admission/port.ts";
import {
  askArgs, credentialArgs, keysOf, readAdmission, readLook, readRelease, readSettlements, readState, recordArgs,
} from "../../../../edge/adapters/upstash/ledger-wire.ts";
import { ledgerScript } from "../../../../edge/adapters/upstash/script.ts";
import type { OrgId } from "../../../../edge/agreements/ids.ts";
import { plain } from "../../../../infra/local/redis-bridge.ts";
import { checkTwin, type Told, type Turn } from "../../../contracts/ledger-twin.ts";
import { isRedisThere, openWorld, type RedisWorld } from "./redis-world.ts";

/** `TWIN_HISTORIES=100000` runs as many as the issue asks for once. */
const histories = Number(process.env["TWIN_HISTORIES"] ?? 2_500);

describe.skipIf(!isRedisThere)("the script", () => {
  let world: RedisWorld;
  let redis: Redis;
  const sha = createHash("sha1").update(ledgerScript).digest("hex");
  beforeAll(async () => {
    world = await openWorld("everysec");
    redis = new Redis(world.redis.server.port, "127.0.0.1", { stringNumbers: true });
    await redis.script("LOAD", ledgerScript);
  });
  afterAll(async () => {
    redis.disconnect();
    await world.close();
  });

  const argsOf = (turn: Turn): string[] => {
    switch (turn.kind) {
      case "admit": return askArgs(turn.ask);
      case "look": return credentialArgs(turn.ask);
      case "settle": return recordArgs(turn.records);
      case "release": return [turn.hold, turn.mayRun ? "1" : "0"];
      case "publish": return [turn.record.kind === "org" ? "org" : turn.record.id, String(turn.record.version), JSON.stringify(turn.record)];
      case "inspect": return [];
    }
  };
  const readTurn = (org: OrgId, turn: Turn, reply: unknown): unknown => {
    switch (turn.kind) {
      case "admit": return readAdmission(turn.ask, reply);
      case "look": return readLook(reply);
      case "settle": return readSettlements(turn.records, reply).settlements;
      case "release": return readRelease(turn.hold, reply);
      case "publish": return undefined;
      case "inspect": return readState(org, reply);
    }
  };

  /** A whole history in one round trip. */
  const toldByScript = async (org: OrgId, turns: Turn[]): Promise<Told> => {
    const keys = keysOf(org);
    const pipeline = redis.pipeline();
    for (const turn of turns) pipeline.callBuffer("EVALSHA", sha, keys.length, ...keys, turn.kind, String(turn.nowMs), ...argsOf(turn));
    pipeline.callBuffer("EVALSHA", sha, keys.length, ...keys, "outbox", "", "100000");
    pipeline.del(...keys);
    const replies = (await pipeline.exec()) ?? [];
    const answers = turns.map((turn, index) => {
      const [error, reply] = replies[index] ?? [];
      if (error && !error.message.startsWith("HELD")) throw error;
      return error ? "threw" : readTurn(org, turn, plain(reply, false));
    });
    const entries = plain(replies[turns.length]?.[1], false) as string[];
    return { answers, bill: entries.filter((_, index) => index % 2 === 1).map((row) => JSON.parse(row) as UsageRow) };
  };

  test("answers any history as the pure ledger does: every answer, every window, every line of the bill", async () => {
    expect(await checkTwin(toldByScript, { numRuns: histories, maxSteps: 60 })).toBeGreaterThan(histories * 30);
  }, 3_600_000);
});
