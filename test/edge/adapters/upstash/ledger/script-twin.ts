import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { Settlement, UsageRow } from "#edge/ledger/port.ts";
import {
  askArgs,
  credentialArgs,
  keysOf,
  readAdmission,
  readLook,
  readRelease,
  readSettlements,
  readState,
  recordArgs,
} from "#edge/adapters/upstash/ledger/codec.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { plain } from "#infra/local/redis/redis-bridge.ts";
import type { Turn, Twin } from "#test/contracts/ledger/ledger-twin.ts";

/**
 * A script that Redis knows, as the twin of the pure ledger: a whole history in one round trip. `redis` must be opened
 * with `stringNumbers`.
 */
export function scriptTwin(redis: Redis, script: string): Twin {
  const sha = createHash("sha1").update(script).digest("hex");
  return async (org, turns) => {
    const keys = keysOf(org);
    const pipeline = redis.pipeline();
    for (const turn of turns)
      pipeline.callBuffer("EVALSHA", sha, keys.length, ...keys, turn.kind, String(turn.nowMs), ...argsOf(turn));
    pipeline.callBuffer("EVALSHA", sha, keys.length, ...keys, "outbox", "", "100000");
    pipeline.del(...keys);
    const replies = (await pipeline.exec()) ?? [];
    const answers = turns.map((turn, index) => {
      const [error, reply] = replies[index] ?? [];
      if (error && !error.message.startsWith("HELD")) throw error;
      return error ? "threw" : readTurn(org, turn, plain(reply, false));
    });
    const entries = plain(replies[turns.length]?.[1], false) as string[];
    checkWaiting(
      turns,
      replies.map((reply) => reply[1]),
      answers,
      entries.length / 2,
    );
    return { answers, bill: entries.filter((_, index) => index % 2 === 1).map((row) => JSON.parse(row) as UsageRow) };
  };
}

/**
 * A settlement also says how many rows wait: at least one for each that it and those before it have charged, at most
 * what the bill has at the end.
 */
function checkWaiting(turns: Turn[], replies: unknown[], answers: unknown[], total: number): void {
  let charged = 0;
  for (const [index, turn] of turns.entries()) {
    if (turn.kind !== "settle") continue;
    charged += (answers[index] as Settlement[]).filter(
      ({ result }) => result === "settled" || result === "adjusted",
    ).length;
    const { rows } = readSettlements(turn.records, plain(replies[index], false));
    if (rows < charged || rows > total) throw new Error(`${rows} rows wait, of ${charged} to ${total}`);
  }
}

function argsOf(turn: Turn): string[] {
  switch (turn.kind) {
    case "admit":
      return askArgs(turn.ask);
    case "introspect":
      return credentialArgs(turn.ask);
    case "settle":
      return recordArgs(turn.records);
    case "release":
      return [turn.hold, turn.mayRun ? "1" : "0"];
    case "publish":
      return [
        turn.record.kind === "org" ? "org" : turn.record.id,
        String(turn.record.version),
        JSON.stringify(turn.record),
      ];
    case "inspect":
      return [];
  }
}

function readTurn(org: OrgId, turn: Turn, reply: unknown): unknown {
  switch (turn.kind) {
    case "admit":
      return readAdmission(turn.ask, reply);
    case "introspect":
      return readLook(reply);
    case "settle":
      return readSettlements(turn.records, reply).settlements;
    case "release":
      return readRelease(turn.hold, reply);
    case "publish":
      return undefined;
    case "inspect":
      return readState(org, reply);
  }
}
