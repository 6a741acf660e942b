import { describe, expect, test } from "vitest";
import { ChunkCounter, readIndex } from "#origin/calls/stream/chunk-counter.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";

const open = (choices = 1) => {
  const meter = new UsageMeter({ tokensHeld: 1e6, completionTokensMax: 30, choicesPerPrompt: choices, echoChunks: 0 });
  const counter = new ChunkCounter(meter, { choices, hasContinuousUsage: false, isUsageOfOneChoice: false });
  return { meter, read: (chunk: unknown) => counter.read(JSON.stringify(chunk)), counter };
};
const choice = (index: number, finish: string | null = null) => ({ index, text: "a", finish_reason: finish });

describe("a stream's chunks, counted", () => {
  test("are given back as they were read, with the id of the first", () => {
    const { counter, read, meter } = open();
    expect(read({ id: "one", choices: [choice(0), "odd"] })).toEqual({
      chunk: { id: "one", choices: [choice(0), "odd"] },
      choices: [choice(0)],
    });
    read({ id: "two", choices: [] });
    expect(counter.responseId).toBe("one");
    expect(meter.completionSoFar).toBe(1);
  });

  test("are whole when every choice has finished and usage has come", () => {
    const { counter, read } = open(2);
    read({ choices: [choice(1, "stop")] });
    expect([counter.hasFinished, counter.isWhole]).toEqual([true, false]);
    read({ choices: [choice(0, "stop")] });
    expect(counter.isWhole).toBe(false);
    read({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } });
    expect(counter.isWhole).toBe(true);
  });

  test("that say nothing are none, and errors are told apart", () => {
    const { counter, read } = open();
    expect([counter.read(""), read(null)]).toEqual(["", ""]);
    for (const bad of [{ error: {} }, {}, 1, { choices: [choice(0, "abort")] }]) expect(read(bad)).toBeNull();
  });
});

test("an index that is none of the call's counts as the first", () => {
  expect([0, 3, 4, -1, 1.5, "1", undefined].map((index) => readIndex({ index }, 4))).toEqual([0, 3, 0, 0, 0, 0, 0]);
});
