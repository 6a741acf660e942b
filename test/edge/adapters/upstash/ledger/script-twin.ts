import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { Settlement, UsageRow } from "#edge/ledger/port.ts";
import {
  encodeCredential,
  encodeLease,
  encodeRelease,
  encodeRequest,
  listKeys,
  readAdmission,
  readClosed,
  readIntrospection,
  readLease,
  readPublished,
  readRelease,
  readSettlements,
  readState,
  encodeRecords,
} from "#edge/adapters/upstash/ledger/codec.ts";
import { encodeClosing } from "#edge/adapters/upstash/ledger/leases.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { toPlain } from "#infra/local/redis/redis-bridge.ts";
import type { TwinLedger } from "#test/contracts/ledger/ledger-twin.ts";
import type { Command } from "#test/contracts/ledger/ledger-twin-steps.ts";

/**
 * A script that Redis knows, as the twin of the pure ledger: a whole history in one round trip. `redis` must be opened
 * with `stringNumbers`.
 */
export function scriptTwin(redis: Redis, script: string): TwinLedger {
  const sha = createHash("sha1").update(script).digest("hex");
  return async (org, commands) => {
    const keys = listKeys(org);
    const pipeline = redis.pipeline();
    for (const command of commands)
      pipeline.callBuffer(
        "EVALSHA",
        sha,
        keys.length,
        ...keys,
        command.kind,
        String(command.nowMs),
        ...encodeCommand(org, command),
      );
    pipeline.callBuffer("EVALSHA", sha, keys.length, ...keys, "outbox", "", "100000");
    pipeline.del(...keys);
    const replies = (await pipeline.exec()) ?? [];
    const answers = commands.map((command, index) => {
      const [error, reply] = replies[index] ?? [];
      if (error && !error.message.startsWith("HELD")) throw error;
      return error ? "threw" : readAnswer(org, command, toPlain(reply, false));
    });
    const entries = toPlain(replies[commands.length]?.[1], false) as string[];
    checkWaiting(
      commands,
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
function checkWaiting(commands: Command[], replies: unknown[], answers: unknown[], total: number): void {
  let charged = 0;
  for (const [index, command] of commands.entries()) {
    if (command.kind !== "settle") continue;
    charged += (answers[index] as Settlement[]).filter(
      ({ result }) => result === "settled" || result === "adjusted" || result === "over_hold",
    ).length;
    const { rows } = readSettlements(command.records, toPlain(replies[index], false));
    if (rows < charged || rows > total) throw new Error(`${rows} rows wait, of ${charged} to ${total}`);
  }
}

function encodeCommand(org: OrgId, command: Command): string[] {
  switch (command.kind) {
    case "admit":
      return encodeRequest(command.request);
    case "introspect":
      return encodeCredential(command.request);
    case "settle":
      return encodeRecords(command.records);
    case "release":
      return encodeRelease(org, command.hold, command.mayRun, command.leased);
    case "lease":
      return encodeLease(command.credential, command.request);
    case "closeLease":
      return encodeClosing(command.closing);
    case "publish":
      return [
        command.record.kind === "org" ? "org" : command.record.id,
        String(command.record.version),
        JSON.stringify(command.record),
      ];
    case "inspect":
      return [];
  }
}

function readAnswer(org: OrgId, command: Command, reply: unknown): unknown {
  switch (command.kind) {
    case "admit":
      return readAdmission(command.request, reply);
    case "introspect":
      return readIntrospection(reply);
    case "settle":
      return readSettlements(command.records, reply).settlements;
    case "release":
      return readRelease(command.hold, reply);
    case "lease":
      return readLease(command.request, reply);
    case "closeLease":
      return readClosed(reply);
    case "publish":
      return readPublished(reply);
    case "inspect":
      return readState(org, reply);
  }
}
