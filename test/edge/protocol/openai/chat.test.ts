import { expect, test } from "vitest";
import { joinChatText, hasMedia } from "#edge/protocol/openai/chat.ts";
import type { Message } from "#edge/protocol/openai/members/messages.ts";

const bodyOf = (over: Record<string, unknown>) =>
  Object.assign({ model: "m", messages: [{ role: "user", content: "hi" }] as Message[] }, over);

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
