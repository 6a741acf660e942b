import fc from "fast-check";
import { expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { translateMessages } from "#edge/protocol/anthropic/translate.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { testModels } from "#test/support/fakes/models.ts";

const text = fc.record({ type: fc.constant("text"), text: fc.string() });
const image = fc.constant({ type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } });
const result = fc.record(
  {
    type: fc.constant("tool_result"),
    tool_use_id: fc.string({ minLength: 1, maxLength: 9 }),
    content: fc.oneof(fc.string(), fc.array(fc.oneof(text, image), { maxLength: 3 })),
    is_error: fc.boolean(),
  },
  { requiredKeys: ["type", "tool_use_id"] },
);
const use = fc.record({
  type: fc.constant("tool_use"),
  id: fc.string({ minLength: 1, maxLength: 9 }),
  name: fc.constantFrom("a", "b"),
  input: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
});
const thinking = fc.record({ type: fc.constantFrom("thinking", "redacted_thinking"), thinking: fc.string() });
const user = fc.record({
  role: fc.constant("user"),
  content: fc.oneof(fc.string(), fc.array(fc.oneof(text, image, result), { minLength: 1, maxLength: 4 })),
});
const assistant = fc.record({
  role: fc.constant("assistant"),
  content: fc.oneof(fc.string(), fc.array(fc.oneof(text, use, thinking), { maxLength: 4 })),
});
const tool = fc.record({ name: fc.constantFrom("a", "b"), input_schema: fc.constant({ type: "object" }) });
const body = fc.record(
  {
    model: fc.constantFrom("chat", "nobody"),
    max_tokens: fc.integer({ min: 1, max: 100 }),
    messages: fc.array(fc.oneof(user, assistant), { minLength: 1, maxLength: 5 }),
    system: fc.oneof(fc.string(), fc.array(text, { maxLength: 2 })),
    tools: fc.array(tool, { maxLength: 2 }),
    tool_choice: fc.record({ type: fc.constantFrom("auto", "any", "none", "tool"), name: fc.constant("a") }),
    thinking: fc.record({ type: fc.constantFrom("enabled", "disabled", "adaptive") }),
    stop_sequences: fc.array(fc.string({ minLength: 1 }), { maxLength: 3 }),
    temperature: fc.double({ min: 0, max: 1, noNaN: true }),
    stream: fc.boolean(),
  },
  { requiredKeys: ["model", "max_tokens", "messages"] },
);

/** Puts something else at one place of a value; `at` chooses the way down. */
function damage(value: unknown, at: readonly number[], by: unknown): unknown {
  const [step, ...rest] = at;
  if (step === undefined || typeof value !== "object" || value === null) return by;
  const entries = Object.entries(value);
  if (entries.length === 0) return by;
  const chosen = step % entries.length;
  const changed = entries.map(([name, one], index) => [name, index === chosen ? damage(one, rest, by) : one] as const);
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed);
}
const damaged = fc
  .tuple(body, fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), fc.jsonValue({ maxDepth: 2 }))
  .map(([whole, at, by]) => damage(whole, at, by));

/** Translates and reads as the edge does; whatever is wrong must be a refusal that is the caller's to mend. */
function isReadOrRefused(json: unknown): boolean {
  try {
    const translated = translateMessages({ json, exact: null, headers: new Headers() });
    const { body: chat } = readParsedBody("chat.completions", translated, testModels);
    return JSON.stringify(chat).length > 0;
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    return failure.status === 400 || failure.code === "model_not_found";
  }
}

test("any JSON is read, or refused with a 400", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom("model", "messages", "system"), fc.jsonValue())),
      isReadOrRefused,
    ),
    { numRuns: 10_000 },
  );
});

test("a body of the right shape, with damage anywhere, is read, or refused with a 400", () => {
  fc.assert(fc.property(damaged, isReadOrRefused), { numRuns: 10_000 });
});

test("and most whole ones are read", () => {
  let read = 0;
  const count = (json: object) => {
    try {
      translateMessages({ json, exact: null, headers: new Headers() });
      read++;
    } catch (failure) {
      expect(failure).toBeInstanceOf(Refusal);
    }
  };
  fc.assert(fc.property(body, count), { numRuns: 500 });
  expect(read).toBeGreaterThan(200);
});
