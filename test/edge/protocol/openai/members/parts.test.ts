import { describe, expect, test } from "vitest";
import {
  findContentFault,
  findPartFault,
  keepPart,
  listStrangeMembers,
  partTypeNames,
  readPartKind,
  readPartText,
  refusedPartTypes,
} from "#edge/protocol/openai/members/parts.ts";

const url = "data:image/png;base64,AA";

describe("a part of a message", () => {
  test.each<[Record<string, unknown>, string | null]>([
    [{ type: "text", text: "" }, null],
    [{ type: "refusal", refusal: "no" }, null],
    [{ type: "image_url", image_url: { url: "DATA:image/png;base64,AA", detail: "low" }, uuid: "a" }, null],
    [{ type: "input_image", image_url: url }, null],
    [{ type: "input_audio", input_audio: { data: "AA", format: "wav" } }, null],
    [{ type: "brand_new" }, null],
    [{ text: "x" }, "type"],
    [{ type: "" }, "type"],
    [{ type: "text" }, "text"],
    [{ type: "text", text: 1 }, "text"],
    [{ type: "image_url", image_url: url }, "image_url"],
    [{ type: "image_url", image_url: null, uuid: "theirs" }, "image_url"],
    [{ type: "image_url", image_url: {} }, "image_url.url"],
    [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }, "image_url.url"],
    [{ type: "image_url", image_url: { url: " data:," } }, "image_url.url"],
    [{ type: "image_url", image_url: { url: ["data:,"] } }, "image_url.url"],
    [{ type: "image_url", image_url: { url: "file:///etc/passwd" } }, "image_url.url"],
    [{ type: "image_url", image_url: { url, detail: { tree: ["x"] } } }, "image_url.detail"],
    [{ type: "image_url", image_url: { url, detail: "x".repeat(17) } }, "image_url.detail"],
    [{ type: "audio_url", audio_url: { url: "ftp://example.com/a" } }, "audio_url.url"],
    [{ type: "video_url", video_url: { url: "https://example.com/a.mp4" } }, "video_url.url"],
    [{ type: "image_url", image_url: { url }, uuid: "x".repeat(257) }, "uuid"],
    [{ type: "image_url", image_url: { url }, uuid: 1 }, "uuid"],
  ])("%j", (part, path) => {
    expect(findPartFault(part)?.path.join(".") ?? null).toBe(path);
  });

  test("is written anew, with what its type has and no more", () => {
    const strange = { image_embeds: "gASV", detail: "x", cache_control: {} };
    expect(keepPart({ type: "image_url", image_url: { url, detail: "low", x: 1 }, uuid: "a", ...strange })).toEqual({
      type: "image_url",
      image_url: { url, detail: "low" },
      uuid: "a",
    });
    expect(keepPart({ type: "text", text: "a", uuid: "b", ...strange })).toEqual({ type: "text", text: "a" });
    expect(keepPart({ type: "input_audio", input_audio: { data: "A", format: "wav", x: 1 } })).toEqual({
      type: "input_audio",
      input_audio: { data: "A", format: "wav" },
    });
    expect(keepPart({ type: "prompt_embeds", data: "gASV" })).toEqual({});
    expect(listStrangeMembers({ type: "text", text: "a", ...strange })).toEqual(["image_embeds", "detail"]);
  });

  test("brings text, a medium, or nothing that anybody knows; no type hands over a tensor", () => {
    expect(["text", "input_image", "audio_url", "video_url", "x", 7].map((type) => readPartKind({ type }))).toEqual([
      "text",
      "image",
      "audio",
      "video",
      null,
      null,
    ]);
    expect(readPartText({ type: "refusal", refusal: "no", text: "x" })).toBe("no");
    expect(readPartText({ type: "image_url", image_url: { url }, text: "x" })).toBe("");
    expect(partTypeNames.filter((type) => refusedPartTypes.has(type) || /embed|tensor|pil/.test(type))).toEqual([]);
  });
});

test("content is text or a list of parts", () => {
  expect([findContentFault("x"), findContentFault([])]).toEqual([null, null]);
  expect(findContentFault([{ type: "text", text: "" }, 1])?.path).toEqual([1]);
  for (const other of [1, {}, { image_url: "https://example.com/a.png" }])
    expect(findContentFault(other)).not.toBeNull();
});

test("an address that was not sent is missing; one that was is refused for what it is", () => {
  const told = (image_url: object) => findPartFault({ type: "image_url", image_url })?.message;
  expect(told({ detail: "low" })).toBe("is required");
  expect(told({ url: "https://example.com/a.png" })).toContain("sent inline");
  expect(told({ url: null })).toContain("sent inline");
});
