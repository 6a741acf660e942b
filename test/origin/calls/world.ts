import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import { readAnswer, setUp, until, type Setup } from "#test/support/fakes/origin.ts";

/** An agent before a fake engine, for the tests of one file. */
export interface CallWorld {
  readonly engine: FakeEngine;
  readonly setup: Setup;
  /** Sends one call and reads its whole answer. */
  ask(
    body?: Record<string, unknown>,
    claims?: Partial<HopClaims>,
    path?: string,
  ): Promise<Awaited<ReturnType<typeof readAnswer>> & { hold: string }>;
  /** The records of a hold, as soon as the edge has one. */
  readRecords(hold: string): Promise<Setup["edge"]["records"]>;
  /** The one final record of a hold, as soon as the edge has it. */
  readFinal(hold: string): Promise<Setup["edge"]["records"][number] | undefined>;
}

/** Starts an agent with these limits and an engine for this file, and stops them behind it. */
export function openCallWorld(
  limits: NonNullable<Parameters<typeof setUp>[1]>["limits"] = { wholeSilenceMsMax: 300, pingMs: 50 },
): CallWorld {
  let engine: FakeEngine;
  let setup: Setup;
  beforeAll(async () => {
    engine = await startFakeEngine();
    setup = await setUp(engine.url, { limits });
  });
  afterAll(async () => {
    await setup.stop();
    await engine.close();
  });
  afterEach(() => {
    engine.calls = [];
    engine.tokens = 7;
    engine.contextTokensMax = 100;
  });
  return {
    get engine() {
      return engine;
    },
    get setup() {
      return setup;
    },
    async ask(body = {}, claims = {}, path) {
      const { answer, hold } = await setup.open(body, claims, path);
      return { ...(await readAnswer(await answer)), hold };
    },
    async readRecords(hold) {
      await until(() => setup.edge.records.some((record) => record.hold === hold));
      return setup.edge.records.filter((record) => record.hold === hold);
    },
    async readFinal(hold) {
      const ofHold = () => setup.edge.finals().filter((record) => record.hold === hold);
      await until(() => ofHold().length > 0);
      const records = ofHold();
      expect(records).toHaveLength(1);
      return records[0];
    },
  };
}

/** Resolves after `ms`. */
export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A whole answer as vLLM writes it. */
export const whole = (over: Record<string, unknown> = {}) => ({
  id: "chatcmpl-whole",
  object: "chat.completion",
  created: 1,
  model: "engine/name",
  choices: [{ index: 0, message: { role: "assistant", content: "four words of text" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 7, total_tokens: 11, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 5 } },
  kv_transfer_params: null,
  ...over,
});
