import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundChatPrompt, joinChatText, hasMedia } from "#edge/protocol/openai/chat.ts";
import type { Message } from "#edge/protocol/openai/members/messages.ts";

const bytes = (text: string) => new TextEncoder().encode(text).length;
const bodyOf = (over: Record<string, unknown>) =>
  Object.assign({ model: "m", messages: [{ role: "user", content: "hi" }] as Message[] }, over);
/** All of UTF-16, with what JSON escapes and what UTF-8 makes long well represented. */
const words = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constantFrom("", "\ud800", "𝒳", '"\\\n\u0000', "ไทย", "字"),
);
const part = fc.oneof(
  fc.record({ type: fc.constantFrom("text", "input_text", "output_text"), text: words }),
  fc.record({ type: fc.constant("refusal"), refusal: words }),
);
const role = fc.constantFrom("system", "developer", "user", "assistant", "tool", "function");
const message = fc.record(
  { role, content: fc.oneof(words, fc.array(part, { maxLength: 5 }), fc.constant(null)), name: words },
  { requiredKeys: ["role"] },
);
/** Every string inside a value, member names too: what a template may print. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    Array.isArray(value) ? texts(inner) : [name, ...texts(inner)],
  );
}
const bytesOf = (all: string[]) => all.reduce((sum, text) => sum + bytes(text), 0);

describe("the bound of a chat prompt", () => {
  test("is never below the UTF-8 bytes of all text and 8 more for each message", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
        const body = bodyOf({ messages });
        const said = messages.flatMap(({ content, name }) => [
          name ?? "",
          ...(Array.isArray(content)
            ? content.map((one) => ("text" in one ? one.text : one.refusal))
            : [content ?? ""]),
        ]);
        expect(boundChatPrompt(body)).toBeGreaterThanOrEqual(bytesOf(said) + 8 * messages.length);
      }),
      { numRuns: 1_000 },
    );
  });

  test("covers tool calls inside messages, with their names and arguments", () => {
    const call = {
      id: "c",
      type: "function",
      function: { name: "ü".repeat(50), arguments: JSON.stringify({ q: "字".repeat(300) }) },
    };
    const body = bodyOf({
      messages: [
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "0" },
      ],
    });
    expect(boundChatPrompt(body)).toBeGreaterThanOrEqual(bytesOf(texts([call, "tool", "c", "0"])) + 16);
  });

  for (const field of ["tools", "documents", "chat_template_kwargs"]) {
    test(`covers '${field}', printed with every separator a template may add`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.dictionary(words, words, { minKeys: 1, maxKeys: 5, noNullPrototype: true }), {
            minLength: 1,
            maxLength: 5,
          }),
          (items) => {
            const tools = items.map((item) => ({ type: "function", function: item }));
            const value = field === "tools" ? tools : field === "documents" ? items : Object.assign({}, ...items);
            const added = boundChatPrompt(bodyOf({ [field]: value })) - boundChatPrompt(bodyOf({}));
            expect(added).toBeGreaterThanOrEqual(bytesOf(texts(value)));
            if (field !== "chat_template_kwargs") expect(added).toBeGreaterThanOrEqual(bytes(spaced(value)));
          },
        ),
      );
    });
  }

  test("leaves room for the template's own words around an empty prompt", () => {
    expect(boundChatPrompt(bodyOf({ messages: [{ role: "user" }] }))).toBeGreaterThanOrEqual(64);
    expect(
      boundChatPrompt(bodyOf({ tools: [{ type: "function" }] })) - boundChatPrompt(bodyOf({})),
    ).toBeGreaterThanOrEqual(512);
  });

  test("is a count: a whole number, whatever the caller put into unknown members", () => {
    fc.assert(
      fc.property(
        fc.anything({ maxDepth: 3, values: [fc.string(), fc.double(), fc.boolean(), fc.constant(null)] }),
        (value) => {
          const json: unknown = JSON.parse(JSON.stringify({ documents: value, chat_template_kwargs: value }));
          const bound = boundChatPrompt(bodyOf(Object(json)));
          expect(Number.isSafeInteger(bound)).toBe(true);
          expect(bound).toBeGreaterThan(0);
        },
      ),
    );
  });
});

/** JSON as Python's json.dumps writes it, with a blank after every comma and colon. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([name, inner]) => `${JSON.stringify(name)}: ${spaced(inner)}`)
      .join(", ")}}`;
  return JSON.stringify(value);
}

test("the text of a prompt is its words in order, without marks and images", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const body = bodyOf({
    messages: [
      { role: "system", content: "be brief" },
      { role: "user", content: [{ type: "text", text: "what" }, image, { type: "text", text: " is it" }] },
      { role: "assistant", content: null },
      {
        role: "assistant",
        content: [
          { type: "refusal", refusal: "no" },
          { type: "output_text", text: "!" },
        ],
      },
    ],
  });
  expect(joinChatText(body)).toBe("be brief\nwhat is it\n\nno!");
});

const images: [string, unknown, boolean][] = [
  ["text alone", "hi", false],
  ["text parts", [{ type: "text", text: "hi" }], false],
  [
    "text under its other names",
    [
      { type: "input_text", text: "hi" },
      { type: "output_text", text: "hi" },
      { type: "refusal", refusal: "no" },
    ],
    false,
  ],
  ["an image as the Responses API names it", [{ type: "input_image", image_url: "data:," }], true],
  ["a video", [{ type: "video_url", video_url: { url: "data:," } }], true],
  ["a part that nobody knows", [{ type: "brand_new", brand_new: {} }], false],
  [
    "an image",
    [
      { type: "text", text: "hi" },
      { type: "image_url", image_url: { url: "data:," } },
    ],
    true,
  ],
  ["a sound", [{ type: "input_audio", input_audio: { data: "", format: "wav" } }], true],
  ["nothing", null, false],
];
for (const [name, content, is] of images)
  test(`a message of ${name} has ${is ? "" : "no "}media`, () =>
    expect(hasMedia(bodyOf({ messages: [{ role: "user", content }] }))).toBe(is));
