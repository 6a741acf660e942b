import type { OrgLedger } from "../../../edge/adapters/durable-object/ledger-object.ts";
import type { Ask } from "../../../edge/admission/port.ts";
import { randomBase62 } from "../../../edge/agreements/ids.ts";
import type { Env } from "../../../edge/env.ts";
import type { DeskAnswers, DeskAsks } from "../desk-words.ts";

/** Serves the desk; anything that fails shows as a 500 with its reason. */
export async function serveDesk(request: Request, env: Env, takeCounts: () => Record<string, number>): Promise<Response> {
  try {
    return Response.json(await answer(new URL(request.url).pathname, await request.json(), env, takeCounts));
  } catch (cause) {
    return new Response(cause instanceof Error ? cause.stack : String(cause), { status: 500 });
  }
}

async function answer(path: string, asked: unknown, env: Env, takeCounts: () => Record<string, number>): Promise<unknown> {
  switch (path) {
    case "/publish":
      return publish(asked as DeskAsks["/publish"], env);
    case "/inspect":
      return inspect(asked as DeskAsks["/inspect"], env);
    case "/pairs":
      return drivePairs(asked as DeskAsks["/pairs"], env);
    case "/counts":
      return takeCounts();
    default:
      throw new Error(`the desk does not know ${path}`);
  }
}

async function publish({ records }: DeskAsks["/publish"], env: Env): Promise<DeskAnswers["/publish"]> {
  await Promise.all(records.map((record) => objectOf(env, record.kind === "org" ? record.id : record.org).publish(record)));
  return { published: records.length };
}

async function inspect({ orgs }: DeskAsks["/inspect"], env: Env): Promise<DeskAnswers["/inspect"]> {
  const sums = { openHolds: 0, settledCalls: 0, rowsWaiting: 0, rowsOut: (env.DB as unknown as { rows(): number }).rows() };
  await Promise.all(
    orgs.map(async (org) => {
      const state = await objectOf(env, org).inspect();
      if (!state) throw new Error(`${org} was never published`);
      sums.openHolds += state.openHolds.length;
      sums.rowsWaiting += state.outboxRows;
      sums.settledCalls += state.windows.find(({ window, of }) => window === "requestsPerDay" && of === "org")?.settled ?? 0;
    }),
  );
  return sums;
}

/** Admits and settles, one pair after the other, `atOnce` of them side by side: the ledger without the rest of the edge. */
async function drivePairs({ ask, pairs, atOnce }: DeskAsks["/pairs"], env: Env): Promise<DeskAnswers["/pairs"]> {
  const ledger = objectOf(env, ask.org);
  let begun = 0;
  let settled = 0;
  const lane = async () => {
    while (begun++ < pairs) {
      const hold: Ask["hold"] = `hold_${randomBase62(22, (bytes) => crypto.getRandomValues(new Uint8Array(bytes)))}`;
      const grant = await ledger.admit({ ...ask, hold });
      if (grant.kind !== "grant") throw new Error(`denied: ${grant.reason}`);
      const count = await settleOne(ledger, ask, hold);
      settled += count;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { settled };
}

async function settleOne(ledger: DurableObjectStub<OrgLedger>, ask: Omit<Ask, "hold">, hold: Ask["hold"]): Promise<number> {
  const [settlement] = await ledger.settle(ask.org, [
    {
      hold,
      org: ask.org,
      model: ask.model,
      isFinal: true,
      promptTokens: 60,
      cachedTokens: 0,
      completionTokens: ask.completionTokens,
      outcome: "done",
      responseId: "chatcmpl-bench",
      startedAtMs: Date.now(),
      firstTokenAtMs: Date.now(),
      endedAtMs: Date.now(),
    },
  ]);
  return settlement?.result === "settled" ? 1 : 0;
}

function objectOf(env: Env, org: string): DurableObjectStub<OrgLedger> {
  return env.LEDGERS.get(env.LEDGERS.idFromName(org));
}
