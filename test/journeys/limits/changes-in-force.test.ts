import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTwoEdges } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

/** One change of a key's record, and the status that a call gets while it is in force. */
interface Change {
  startedAtMs: number;
  answeredAtMs: number;
  status: number;
}
interface Call {
  startedAtMs: number;
  endedAtMs: number;
  status: number;
}

/**
 * The calls that no order explains: a call sees the latest change that was answered before it began, or one that was
 * under way during it (a regular register, as Lamport has it). The changes follow each other.
 */
function findStale(calls: readonly Call[], changes: readonly Change[]): Call[] {
  const isSeen = (call: Call, index: number) => {
    const [change, next] = [changes[index], changes[index + 1]];
    if (!change || change.status !== call.status) return false;
    return change.startedAtMs <= call.endedAtMs && (!next || next.answeredAtMs >= call.startedAtMs);
  };
  return calls.filter((call) => !changes.some((_, index) => isSeen(call, index)));
}

test("the check finds a call under a record that was over, and one under a record that was not yet there", () => {
  const changes = [
    { startedAtMs: 0, answeredAtMs: 1, status: 200 },
    { startedAtMs: 10, answeredAtMs: 20, status: 403 },
  ];
  const call = (startedAtMs: number, endedAtMs: number, status: number) => ({ startedAtMs, endedAtMs, status });
  const right = [call(2, 5, 200), call(12, 13, 200), call(12, 13, 403), call(19, 40, 200), call(21, 22, 403)];
  const wrong = [call(2, 5, 403), call(21, 22, 200), call(2, 5, 500)];
  expect(findStale([...right, ...wrong], changes)).toEqual(wrong);
});

let edges: Awaited<ReturnType<typeof openTwoEdges>>;

beforeAll(async () => {
  edges = await openTwoEdges();
});
afterAll(() => edges?.close());

/** Callers of both edges, until they are stopped: each makes one call after the other. */
function openRush(worlds: readonly World[], key: string) {
  const calls: Call[][] = worlds.map(() => []);
  const state = { isOver: false };
  const call = async (world: World, history: Call[]) => {
    while (!state.isOver) {
      const startedAtMs = performance.now();
      const answer = await world.chat(key, { max_tokens: 1 });
      await answer.text();
      history.push({ startedAtMs, endedAtMs: performance.now(), status: answer.status });
    }
  };
  const callers = worlds.flatMap((world, edge) => Array.from({ length: 6 }, () => call(world, calls[edge] ?? [])));
  return {
    calls,
    async stop() {
      state.isOver = true;
      await Promise.all(callers);
    },
  };
}

test("a key is narrowed, widened and revoked while two edges lease on it: no call sees what is over", async () => {
  const { world, worlds } = edges;
  const org = await world.newOrg();
  const key = await world.newKey(org.id);
  const changes: Change[] = [{ startedAtMs: 0, answeredAtMs: performance.now(), status: 200 }];
  const path = `/orgs/${org.id}/keys/${key.id}`;
  const change = async (status: number, go: () => Promise<unknown>) => {
    const startedAtMs = performance.now();
    await go();
    changes.push({ startedAtMs, answeredAtMs: performance.now(), status });
  };
  const setEndpoints = (endpoints: string[]) => () => world.must("PATCH", path, { endpoints });
  const untilLeased = async () => {
    while ((await world.ledger(org.id)).leases.length < worlds.length) await sleep(20);
  };

  const rush = openRush(worlds, key.secret);
  const waits: number[] = [];
  for (const end of [setEndpoints(["embeddings"]), () => world.must("POST", `${path}/revoke`)]) {
    await untilLeased();
    await change(waits.length === 0 ? 403 : 401, end);
    const [last] = changes.slice(-1);
    waits.push((last?.answeredAtMs ?? 0) - (last?.startedAtMs ?? 0));
    await sleep(200);
    if (last?.status === 403) await change(200, setEndpoints(["chat.completions"]));
  }
  await rush.stop();

  for (const calls of rush.calls) {
    expect(findStale(calls, changes)).toEqual([]);
    const seen = (status: number) => calls.filter((call) => call.status === status).length;
    for (const status of [200, 401, 403]) expect(seen(status)).toBeGreaterThan(6);
  }
  expect(waits.every((ms) => ms > 100)).toBe(true);
  await world.settled(org.id);
});
