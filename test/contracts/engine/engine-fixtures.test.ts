import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSimulator, type Simulator } from "#infra/simulator/server.ts";
import { isReplayable, readRecordings, type Recording } from "#test/support/recordings.ts";
import { describeStructure } from "#test/infra/checks/accept/structure.ts";
import { isListed } from "./engine-differences.ts";

const fixtures = readRecordings<Recording>()
  .filter(([name, recording]) => isReplayable(name, recording))
  .map(([, recording]) => recording);

/** One simulator for each way in which vLLM was started; see the fixtures' README. */
const servers: Record<string, Parameters<typeof startSimulator>[0]> = {
  chat: {
    models: [{ names: ["Qwen/Qwen2.5-7B-Instruct", "chat"] }],
    profile: { stepMs: 0, contextTokens: 2_048, maxQueued: null },
    answerTokensMean: Infinity,
  },
  limited: {
    models: [{ names: ["Qwen/Qwen2.5-7B-Instruct", "chat"] }],
    profile: { stepMs: 0, contextTokens: 2_048 },
    answerTokensMean: Infinity,
    apiKey: "penstock-fixture-key",
  },
  full: {
    models: [{ names: ["Qwen/Qwen2.5-7B-Instruct", "chat"] }],
    profile: { stepMs: 0, contextTokens: 2_048, maxQueued: 0 },
    apiKey: "penstock-fixture-key",
  },
  embed: {
    models: [{ names: ["BAAI/bge-small-en-v1.5", "embed"], output: "vectors" }],
    profile: { stepMs: 0, contextTokens: 2_048 },
  },
};

describe("the simulator answers as the recorded vLLM did, but for values", () => {
  const running = new Map<string, Simulator>();
  beforeAll(async () => {
    for (const [name, options] of Object.entries(servers)) running.set(name, await startSimulator(options));
  });
  afterAll(async () => {
    for (const simulator of running.values()) await simulator.close();
  });

  test.each(fixtures)("$name", async ({ name, server, request, status, headers, body, blocks }) => {
    const url = running.get(name.startsWith("queue-full") ? "full" : server)?.url ?? "";
    const response = await fetch(url + request.path, {
      method: request.method ?? "GET",
      headers: request.headers ?? {},
      redirect: "manual",
      ...(request.body !== undefined && request.body !== "" && { body: request.body }),
    });
    const got = describeStructure(
      response.status,
      response.headers.get("content-type") ?? undefined,
      await response.text(),
    );
    const wanted = describeStructure(status ?? 0, headers?.["content-type"], body ?? blocks?.join("") ?? "");
    const isDifferent = isListed("simulator", `fixture ${name}`);
    // A listed difference must be one; otherwise the whole structure is compared, so that a failure shows where.
    expect(isDifferent ? isDeepStrictEqual(got, wanted) : got).toEqual(isDifferent ? false : wanted);
  });
});
