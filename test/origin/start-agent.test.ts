import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSimulator, type Simulator } from "#infra/simulator/server.ts";
import { startAgent } from "#origin/start-agent.ts";
import { openUsageLog } from "#origin/usage/usage-log.ts";
import { buildRecord, eventsOf, readAnswer, setUp, until, type Setup } from "#test/support/fakes/origin.ts";

let simulator: Simulator;
let setup: Setup;

beforeAll(async () => {
  simulator = await startSimulator({ models: [{ names: ["sim"] }], profile: { stepMs: 1, maxQueued: 2_000 } });
  setup = await setUp(simulator.url, {
    engines: [{ kind: "simulator", url: simulator.url, models: { public: "sim" } }],
    limits: { kvPromiseMax: 100 },
  });
});
afterAll(async () => {
  await setup.stop();
  await simulator.close();
});

describe("a storm before the simulator", () => {
  test("of completed and aborted streams and whole answers: each is billed once, exactly as emitted", async () => {
    const calls = await Promise.all(
      Array.from({ length: 120 }, async (_, at) => {
        const isStream = at % 4 !== 0;
        const { request, answer, hold } = await setup.open({
          stream: isStream,
          max_tokens: 5 + (at % 40),
          seed: at,
          messages: [{ role: "user", content: `Call ${at}: tell me more.` }],
        });
        const head = await answer;
        const isLeaving = isStream && at % 3 === 0;
        if (isLeaving) {
          let events = 0;
          head
            .on("error", () => {})
            .on("data", () => {
              if (++events > at % 7) request.destroy();
            });
          await new Promise((resolve) => head.on("close", resolve));
          return { hold, isLeaving };
        }
        const { status, text } = await readAnswer(head);
        expect(status).toBe(200);
        expect(isStream ? eventsOf(text).at(-1) : "[DONE]").toBe("[DONE]");
        return { hold, isLeaving };
      }),
    );
    const holds = new Set(calls.map(({ hold }) => hold));
    await until(() => setup.edge.finals().filter(({ hold }) => holds.has(hold)).length >= holds.size, 20_000);
    const truth = new Map(simulator.oracle().records.map((record) => [record.requestId, record]));
    for (const { hold, isLeaving } of calls) {
      const records = setup.edge.finals().filter((record) => record.hold === hold);
      const real = truth.get(hold);
      expect(records).toHaveLength(1);
      expect(records[0]?.promptTokens).toBe(real?.promptTokens);
      // What the engine wrote to a socket that was then closed may not have been read: never more is billed, and less
      // only by that.
      const emitted = real?.emittedTokens ?? 0;
      expect(records[0]?.completionTokens).toBeLessThanOrEqual(emitted);
      expect(isLeaving ? emitted : records[0]?.completionTokens).toBe(emitted);
    }
    await until(() => simulator.oracle().totals.outcomes.open === 0, 5_000);
  }, 60_000);

  test("when it is over nothing is held", async () => {
    const page = await (await fetch(`${setup.agent.url}/metrics`)).text();
    expect(page).toContain("penstock_agent_inflight_calls 0\n");
    expect(page).toContain("penstock_agent_held_tokens 0\n");
  });

  test("a lying engine is billed at least what it sent", async () => {
    for (const lie of ["less", "zero", "missing", "garbage"] as const) {
      simulator.faults.add({ kind: "usage", lie, times: 1 });
      const { answer, hold } = await setup.open({
        stream: true,
        max_tokens: 12,
        messages: [{ role: "user", content: lie }],
      });
      expect(eventsOf((await readAnswer(await answer)).text).at(-1)).toBe("[DONE]");
      await until(() => setup.edge.finals().some((record) => record.hold === hold));
      const real = simulator.oracle().records.find(({ requestId }) => requestId === hold);
      expect(setup.edge.finals().find((record) => record.hold === hold)?.completionTokens).toBe(real?.emittedTokens);
    }
  });
});

test("usage that an older version kept as usage-untaken is delivered at the start", async () => {
  const stateDir = `${setup.stateDir}-older`;
  const log = openUsageLog(join(stateDir, "usage-untaken"), 1_024, () => {});
  const records = [buildRecord(), buildRecord()];
  for (const record of records) log.append(record);
  log.close();
  const agent = await startAgent({ ...setup.config, stateDir, port: 0 }, { log: () => {} });
  const isWith = (hold: string) => setup.edge.finals().some((final) => final.hold === hold);
  await until(() => records.every(({ hold }) => isWith(hold)));
  await agent.stop(0);
});

test("an agent whose port is taken says so and leaves nothing behind: its state directory is free again", async () => {
  const stateDir = `${setup.stateDir}-other`;
  const taken = { ...setup.config, stateDir, port: Number(new URL(setup.agent.url).port) };
  await expect(startAgent(taken, { log: () => {} })).rejects.toMatchObject({ code: "EADDRINUSE" });
  const agent = await startAgent({ ...taken, port: 0 }, { log: () => {} });
  await agent.stop(0);
});
