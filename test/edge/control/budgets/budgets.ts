import { writeUsage } from "#edge/adapters/d1/usage.ts";
import type { UsageRow } from "#edge/ledger/port.ts";
import type { World } from "#test/edge/control/http/world.ts";

let count = 0;

/** Settles a call that cost so much, as the outbox would; `again` sends it so often more. */
export async function spend(
  world: World,
  org: string,
  key: string,
  costMicros: number,
  fields: Partial<UsageRow> = {},
) {
  const hold = `hold_S${String(++count).padStart(21, "0")}`;
  const row: UsageRow = {
    id: hold,
    hold,
    org,
    key,
    model: "qwen-chat",
    tier: "shared",
    endpoint: "chat.completions",
    end: "completed",
    responseId: null,
    promptTokens: 1,
    cachedTokens: 0,
    completionTokens: 1,
    units: 0,
    costMicros,
    admittedAtMs: Date.now() + world.clock.offsetMs,
    endedAtMs: Date.now() + world.clock.offsetMs + 1,
    ttftMs: null,
    ...fields,
  };
  for (let sent = 0; sent < 3; sent++) await writeUsage(world.db as never, [row, row], 5_000);
  return row;
}

/** The shares of budgets that an org was told of, in their order. */
export async function readTold(world: World, org: string) {
  const rows = await world.select(
    "SELECT body FROM events WHERE org = ? AND type = 'budget.reached' ORDER BY rowid",
    org,
  );
  return rows.map(({ body }) => JSON.parse(body));
}
