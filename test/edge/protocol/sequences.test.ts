import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallMax } from "#edge/agreements/records/node.ts";
import { Refusal } from "#edge/errors.ts";
import {
  countSequences,
  countTokens,
  fitsNode,
  refuseManySequences,
  refuseOversized,
  type CallSize,
} from "#edge/protocol/sequences.ts";

const refusalOf = (work: () => void) => {
  try {
    work();
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { code: error.code, ...error.details };
  }
};
const size = (over: Partial<CallSize> = {}): CallSize => ({
  path: "/v1/completions",
  prompts: 1,
  choices: 1,
  promptTokens: 10,
  completionTokens: 100,
  ...over,
});

describe("how large a call is", () => {
  test.each([
    [1, 1, 1],
    [8, 64, 64],
    [1, 0, 1],
    [8, 0, 1],
    [32, 0, 4],
    [9, 0, 2],
    [33, 0, 4],
    [2_048, 0, 4],
  ])("%i prompts and %i choices are %i sequences", (prompts, choices, sequences) => {
    expect(countSequences({ prompts, choices })).toBe(sequences);
  });

  test("a prompt's tokens are there once, a choice's each", () => {
    expect(countTokens(size({ choices: 8 }))).toBe(810);
    expect(countTokens(size({ choices: 0 }))).toBe(10);
  });
});

describe("more sequences than anyone may have", () => {
  const of = (prompts: number, n: number, sequencesMax?: number) =>
    refusalOf(() =>
      refuseManySequences({ prompts, choices: prompts * n }, sequencesMax === undefined ? {} : { sequencesMax }),
    );

  test("64 are none, 65 are; a model's record may say less, and never more", () => {
    expect([of(64, 1), of(8, 8), of(1, 8), of(2, 2, 4)]).toEqual([null, null, null, null]);
    for (const refused of [of(65, 1), of(9, 8), of(5, 1, 4), of(65, 1, 1_000)])
      expect(refused).toMatchObject({ code: "invalid_value" });
  });

  test("the member to lower is named, with the numbers", () => {
    expect(of(2_048, 8)).toMatchObject({
      param: "prompt",
      message:
        "'prompt' is too large: 2048 prompts with 8 choices each make 16384 sequences; one call may have at most 64.",
    });
    expect(of(9, 8)).toMatchObject({
      param: "n",
      message: "'n' is too large: 9 prompts with 8 choices each make 72 sequences; one call may have at most 64.",
    });
    expect(of(1, 8, 4)).toMatchObject({
      param: "n",
      message: "'n' is too large: 8 choices are as many sequences; one call may have at most 4.",
    });
  });

  test("inputs of an embedding have a bound of their own", () => expect(of(2_048, 0)).toBeNull());
});

describe("a call that no idle node takes", () => {
  const of = (over: Partial<CallSize>, max: CallMax) => refusalOf(() => refuseOversized(size(over), max));

  test("by sequences names prompts or choices, and for embeddings the inputs that fit", () => {
    expect(of({ choices: 8 }, { sequences: 6 })).toMatchObject({ param: "n", code: "invalid_value" });
    expect(of({ prompts: 8, choices: 8 }, { sequences: 6 })).toMatchObject({ param: "prompt" });
    expect(of({ path: "/v1/embeddings", prompts: 2_048, choices: 0 }, { sequences: 2 })).toMatchObject({
      param: "input",
      message: "'input' has 2048 items; the nodes of this model take at most 16.",
    });
  });

  test("by tokens names what alone is too much", () => {
    expect(of({ promptTokens: 600 }, { sequences: 9, tokens: 500 })).toMatchObject({ param: "prompt" });
    expect(of({ path: "/v1/chat/completions", promptTokens: 600 }, { sequences: 9, tokens: 500 })).toMatchObject({
      param: "messages",
    });
    expect(of({ completionTokens: 600 }, { sequences: 9, tokens: 500 })).toMatchObject({
      param: "max_tokens",
      message:
        "'max_tokens' is too large: this call may have 610 tokens at once " +
        "(10 of its prompt, 1 × 600 of its choices); the nodes of this model take at most 500.",
    });
    expect(of({ choices: 8 }, { sequences: 9, tokens: 500 })).toMatchObject({ param: "n" });
  });

  test("is refused exactly when it does not fit; with the named member at 1 it fits, or the next is named", () => {
    const sizes = fc.record({
      prompts: fc.integer({ min: 1, max: 64 }),
      each: fc.integer({ min: 1, max: 8 }),
      promptTokens: fc.integer({ min: 1, max: 500 }),
      completionTokens: fc.integer({ min: 1, max: 500 }),
      sequences: fc.integer({ min: 1, max: 64 }),
      tokens: fc.option(fc.integer({ min: 2, max: 2_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(sizes, ({ prompts, each, sequences, tokens, ...rest }) => {
        const max: CallMax = { sequences, ...(tokens !== undefined && { tokens }) };
        let call = size({ ...rest, prompts, choices: prompts * each });
        const named: unknown[] = [];
        for (let turn = 0; turn < 4; turn++) {
          const refused = of(call, max);
          expect(refused === null).toBe(fitsNode(call, max));
          if (refused === null) break;
          expect(named).not.toContain(refused.param);
          named.push(refused.param);
          if (refused.param === "n") call = { ...call, choices: call.prompts };
          else if (refused.param === "max_tokens") call = { ...call, completionTokens: 1 };
          else call = { ...call, prompts: 1, choices: call.choices / call.prompts, promptTokens: 1 };
        }
        expect(fitsNode(call, max)).toBe(true);
      }),
    );
  });
});
