import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject } from "#edge/agreements/json.ts";
import { boundChat, boundUncounted } from "#edge/protocol/openai/bounds/chat.ts";
import { boundText } from "#edge/protocol/openai/bounds/text.ts";
import { hostileChat } from "#test/support/bounds/hostile-chats.ts";
import { hostileText } from "#test/support/bounds/hostile-texts.ts";
import { renderChat, templateNames, type Rendering } from "#test/support/bounds/templates.ts";
import { createCounter, families, familyNames, type Family } from "#test/support/bounds/tokenizers.ts";

const bodyOf = (over: Record<string, unknown>) => ({ messages: [{ role: "user", content: "hi" }], ...over });
const empty = boundChat({ messages: [] }, {});
const add = (field: string, value: unknown, model = {}) =>
  boundChat(bodyOf({ [field]: value }), model) - boundChat(bodyOf({}), model);
const addMessage = (message: unknown, model = {}) => boundChat({ messages: [message] }, model) - empty;
/** `BOUND_TEXTS=1000000` takes some minutes; a chat is worth five texts. */
const chatsMax = Number(process.env["BOUND_TEXTS"] ?? 10_000) / 5;

const marks: Record<Family, [open: string, close: string]> = {
  "byte-level": ["<|im_start|>", "<|im_end|>"],
  "byte-fallback": ["<s>", "</s>"],
  unigram: ["<s>", "</s>"],
};
const rendering = fc
  .tuple(
    fc.constantFrom(...familyNames),
    fc.constantFrom(...templateNames),
    fc.record({ isAscii: fc.boolean(), isHtml: fc.boolean(), indent: fc.constantFrom(0, 4) }),
  )
  .map(([family, template, printing]): { family: Family; how: Rendering } => {
    const [open, close] = marks[family];
    return { family, how: { template, printing, open, close } };
  });

const counters = new Map(familyNames.map((family) => [family, createCounter(family)]));
const count = (family: Family, text: string) => counters.get(family)?.(text) ?? 0;

function readBody(json: string): Record<string, unknown> {
  const body = parseExact(json);
  return isObject(body) ? body : {};
}

describe("the bound of a chat's prompt", () => {
  test("is never below the bytes of what a template makes of it, normalized or not (M2)", () => {
    fc.assert(
      fc.property(hostileChat, rendering, (json, { family, how }) => {
        const form = families[family];
        const prompt = renderChat(json, { ...how, open: "<s>", close: "</s>" });
        expect(boundText(prompt, form)).toBeLessThanOrEqual(boundChat(readBody(json), { normalizes: form }));
      }),
      { numRuns: chatsMax },
    );
  });

  test("is never below what an engine counts of it, whatever template it has (M2)", () => {
    fc.assert(
      fc.property(hostileChat, rendering, (json, { family, how }) => {
        const counted = count(family, renderChat(json, how));
        expect(counted).toBeLessThanOrEqual(boundChat(readBody(json), { normalizes: families[family] }));
      }),
      { numRuns: chatsMax / 20 },
    );
  });

  test("knows that arguments of 4 bytes may be 18, as a stand-in of an engine counted them", () => {
    const given = JSON.stringify({ a: Array.from({ length: 1_400 }, () => "#") }).replaceAll('"#"', "1e15");
    const call = { id: "c", type: "function", function: { name: "f", arguments: given } };
    const json = JSON.stringify({ messages: [{ role: "assistant", content: null, tool_calls: [call] }] });
    const printing = { isAscii: false, isHtml: false, indent: 0 };
    const how: Rendering = { template: "chatml", printing, open: "<|im_start|>", close: "<|im_end|>" };
    const counted = count("byte-level", renderChat(json, how));
    expect(counted).toBeGreaterThan(20_000);
    expect(counted).toBeLessThanOrEqual(boundChat(readBody(json), {}));
  });

  test("is at least the bound of each text, and the room of the template", () => {
    fc.assert(
      fc.property(hostileText, fc.constantFrom("system", "user", "assistant", "tool"), (text, role) => {
        const bound = boundText(text, "NFC");
        expect(addMessage({ role, content: text })).toBeGreaterThanOrEqual(bound + 32);
        expect(addMessage({ role, content: [{ type: "text", text }] })).toBeGreaterThanOrEqual(bound + 72);
        for (const name of ["name", "reasoning_content", "reasoning", "refusal", "tool_call_id", "brand_new"])
          expect(addMessage({ role, [name]: text })).toBeGreaterThanOrEqual(bound);
        for (const name of ["tools", "documents"]) expect(add(name, [{ text }])).toBeGreaterThanOrEqual(bound + 512);
        for (const name of ["response_format", "chat_template_kwargs", "tool_choice"])
          expect(add(name, { text })).toBeGreaterThanOrEqual(bound);
        expect(add("reasoning_effort", text)).toBeGreaterThanOrEqual(bound);
      }),
    );
  });

  test("has a share that an engine's own count leaves out", () => {
    const uncounted = { response_format: { type: "json_object" }, tool_choice: "auto", reasoning_effort: "low" };
    const body = bodyOf({ ...uncounted, tools: [{ type: "function" }] });
    const counted = bodyOf({ tools: [{ type: "function" }] });
    expect(boundUncounted(body, {})).toBe(boundChat(body, {}) - boundChat(counted, {}));
    expect(boundUncounted(counted, {})).toBe(0);
    expect(boundUncounted({ suffix: "\ufdfa" }, { normalizes: "NFKC" })).toBeGreaterThanOrEqual(33);
  });

  test("costs plain text no more than its bytes and what stands around it", () => {
    expect(boundChat(bodyOf({}), {})).toBeLessThanOrEqual(2 + 128);
    const text = "The quick brown fox.\n".repeat(1_000);
    expect(addMessage({ role: "user", content: text })).toBeLessThan(text.length + 64);
  });

  test("leaves out what says nothing", () => {
    for (const value of [undefined, null]) {
      for (const name of ["tools", "documents", "response_format", "chat_template_kwargs"])
        expect(add(name, value)).toBe(0);
      expect(addMessage({ role: "user", content: value })).toBe(addMessage({ role: "user" }));
    }
    expect(add("tools", [])).toBe(0);
  });

  test("takes the template's own words from the model's record", () => {
    expect(boundChat(bodyOf({}), { templateTokensMax: 464 })).toBe(boundChat(bodyOf({}), {}) + 400);
  });

  test("takes a picture's tokens from the model's record, and not from its bytes", () => {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(10_000)}` } };
    const video = { type: "video_url", video_url: { url: "data:," } };
    const said = (...content: unknown[]) => addMessage({ role: "user", content }, { mediaTokensMax: { image: 1_000 } });
    expect(said(image, image) - said(image)).toBe(1_040);
    expect(said(image)).toBeGreaterThan(1_000);
    expect(said(image)).toBeLessThan(1_200);
    // What the record is silent about is refused elsewhere; here it counts as text.
    expect(said(video)).toBeGreaterThan(JSON.stringify(video).length);
    expect(addMessage({ role: "user", content: [image] })).toBeGreaterThan(10_000);
  });

  test("is a count: a whole number, whatever the caller put anywhere", () => {
    const anything = fc.anything({ maxDepth: 3, values: [fc.string(), fc.double(), fc.boolean(), fc.constant(null)] });
    fc.assert(
      fc.property(anything, (value) => {
        const json: unknown = JSON.parse(JSON.stringify({ value }));
        const odd = isObject(json) ? json["value"] : null;
        const body = {
          documents: odd,
          chat_template_kwargs: odd,
          messages: [
            odd,
            { content: odd, tool_calls: odd, name: odd },
            { tool_calls: [odd, { function: { arguments: odd } }] },
          ],
        };
        expect(boundChat(body, {})).toSatisfy((bound: number) => Number.isSafeInteger(bound) && bound > 0);
        expect(Number.isSafeInteger(boundChat({ messages: odd }, {}))).toBe(true);
      }),
    );
  });
});
