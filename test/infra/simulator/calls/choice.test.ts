import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Choice } from "#infra/simulator/calls/choice.ts";
import { Fields } from "#infra/simulator/calls/fields.ts";
import { readSampling, samplingKinds } from "#infra/simulator/calls/sampling.ts";
import { makeStructuredScript, type AnswerScript } from "#infra/simulator/text/script.ts";
import { tokenize } from "#infra/simulator/text/tokenizer.ts";
import { makeGenerator } from "#infra/simulator/text/generator.ts";

function choose(
  raw: Record<string, unknown>,
  { sample = 0, prompt = tokenize("Hello"), script = null as AnswerScript | null, thinkingTokens = 0 } = {},
) {
  const sampling = readSampling(new Fields(raw, samplingKinds), 8_192, 200, null);
  return new Choice({ index: 0, sample }, "m", prompt, {
    sampling,
    completionTokensMax: sampling.completionTokensMax ?? 200,
    nextToken: makeGenerator("prose", Infinity),
    script,
    thinkingTokens,
  });
}

/** Steps to the end; the text of each delta, and the last delta. */
function run(choice: Choice) {
  const texts: string[] = [];
  for (;;) {
    const reason = choice.step();
    const delta = choice.take();
    texts.push(delta.text);
    if (reason !== null) return { text: texts.join(""), texts, delta };
  }
}

test("a model that thinks reasons first, token by token, and nothing of it is text", () => {
  const plain = choose({ max_tokens: 30 });
  const thinking = choose({ max_tokens: 30 }, { thinkingTokens: 12 });
  while (plain.step() === null) thinking.step();
  thinking.step();
  const [whole, split] = [plain.take(), thinking.take()];
  expect(split.reasoning).not.toBe("");
  expect(split.text).not.toBe("");
  expect(split.reasoning + split.text).toBe(whole.text);
  expect(split.tokens).toEqual(whole.tokens);
  const script = makeStructuredScript({ structured_outputs: { choice: ["yes"] } }, "x");
  const scripted = choose({}, { script, thinkingTokens: 12 });
  while (scripted.step() === null);
  expect(scripted.take()).toMatchObject({ reasoning: "", text: "yes" });
});

test("the text is the same however often it is taken, and ends at max_tokens", () => {
  const choice = choose({ max_tokens: 50 });
  while (choice.step() === null);
  const whole = choice.take();
  expect(whole.text).toBe(run(choose({ max_tokens: 50 })).text);
  expect([whole.finish, whole.tokens.length, choice.completionTokens]).toEqual(["length", 50, 50]);
});

test("a stop string ends the answer wherever it falls, and no part of it is let out before", () => {
  const free = run(choose({})).text;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 12 }), (from, length) => {
      const stop = free.slice(from, from + length).toWellFormed();
      const { text, delta } = run(choose({ stop }));
      expect([text, delta.finish, delta.stopReason]).toEqual([free.slice(0, free.indexOf(stop)), "stop", stop]);
      expect(run(choose({ stop, include_stop_str_in_output: true })).text).toBe(
        free.slice(0, free.indexOf(stop)) + stop,
      );
    }),
    { examples: [[0, 1]] },
  );
});

test("an answer goes on from its own tokens as if nothing had happened", () => {
  const whole = choose({ max_tokens: 60 });
  run(whole);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 59 }), (cut) => {
      const rest = choose({ max_tokens: 60 - cut }, { prompt: whole.tokens.slice(0, whole.promptTokens + cut) });
      run(rest);
      expect(rest.tokens).toEqual(whole.tokens);
    }),
  );
});

test("samples differ, seeds differ, and greedy answers know no seed", () => {
  const text = (raw: Record<string, unknown>, sample = 0) => run(choose({ max_tokens: 30, ...raw }, { sample })).text;
  expect(text({}, 0)).not.toBe(text({}, 1));
  expect(text({ seed: 1 })).not.toBe(text({ seed: 2 }));
  expect(text({ seed: 1, temperature: 0 })).toBe(text({ seed: 2, temperature: 0 }));
});

test("a script is played to its end, unless max_tokens cuts it; min_tokens hold back stop tokens", () => {
  const script = makeStructuredScript({ structured_outputs: { choice: ["a long enough text"] } }, "");
  expect(run(choose({}, { script }))).toMatchObject({ text: "a long enough text", delta: { finish: "stop" } });
  expect(run(choose({ max_tokens: 2 }, { script })).delta.finish).toBe("length");
  const [first] = tokenize("e");
  expect(
    run(choose({ stop_token_ids: [first], logit_bias: { [String(first)]: 100 }, min_tokens: 3 })).delta,
  ).toMatchObject({ finish: "stop", stopReason: first });
});
