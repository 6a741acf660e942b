import { expect, test } from "vitest";
import { findMediaKind, readPartText } from "#edge/protocol/openai/bounds/parts.ts";

test("text is text under each of its names, and nothing else is", () => {
  expect(readPartText({ type: "text", text: "a" })).toBe("a");
  expect(readPartText({ type: "output_text", text: "" })).toBe("");
  expect(readPartText({ type: "refusal", refusal: "no", text: "a" })).toBe("no");
  for (const part of [{}, { text: "a" }, { type: "text", text: 1 }, { type: "image_url", text: "a" }])
    expect(readPartText(part)).toBeNull();
});

const kinds: [unknown, string | null][] = [
  ["image_url", "image"],
  ["input_image", "image"],
  ["image_pil", "image"],
  ["video_url", "video"],
  ["input_audio", "audio"],
  ["AUDIO_URL", "audio"],
  ["text", null],
  ["brand_new", null],
  [undefined, null],
  [1, null],
];
for (const [type, kind] of kinds)
  test(`a part of the type ${type} shows ${kind}`, () => expect(findMediaKind(type)).toBe(kind));
