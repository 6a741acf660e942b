import { describe, expect, test } from "vitest";
import {
  findBlockFault,
  findContentFault,
  listBlocks,
  readText,
  refuseBlock,
  writePart,
} from "#edge/protocol/anthropic/blocks.ts";

const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } };
const source = (over: object) => ({ ...image, source: { ...image.source, ...over } });

describe("a block", () => {
  const good: unknown[] = [
    { type: "text", text: "" },
    image,
    { type: "thinking", thinking: "hm", signature: "s" },
    { type: "redacted_thinking", data: "…" },
    { type: "tool_use", id: "a", name: "b", input: {} },
    { type: "tool_use", id: "a", name: "b" },
    { type: "tool_result", tool_use_id: "a" },
    { type: "tool_result", tool_use_id: "a", content: "x", is_error: true },
    { type: "tool_result", tool_use_id: "a", content: [{ type: "text", text: "x" }, image] },
    { type: "nobody_knows", anything: 1 },
  ];
  test.each(good)("%j has no fault of form", (block) => expect(findBlockFault(block)).toBeNull());

  const faults: [unknown, PropertyKey[]][] = [
    ["x", []],
    [{}, ["type"]],
    [{ type: 1 }, ["type"]],
    [{ type: "" }, ["type"]],
    [{ type: "text" }, ["text"]],
    [{ type: "text", text: 1 }, ["text"]],
    [{ type: "image" }, ["source"]],
    [{ type: "image", source: "x" }, ["source"]],
    [{ type: "image", source: { type: "url", url: "https://example.org/a.png" } }, ["source"]],
    [{ type: "image", source: { type: "file", file_id: "x" } }, ["source"]],
    [source({ media_type: "text/html" }), ["source", "media_type"]],
    [source({ media_type: "image/png;base64,x" }), ["source", "media_type"]],
    [source({ data: "" }), ["source", "data"]],
    [source({ data: "no base64!" }), ["source", "data"]],
    [{ type: "thinking" }, ["thinking"]],
    [{ type: "tool_use", name: "b" }, ["id"]],
    [{ type: "tool_use", id: "a", name: "" }, ["name"]],
    [{ type: "tool_use", id: "a", name: "b", input: "{}" }, ["input"]],
    [{ type: "tool_result" }, ["tool_use_id"]],
    [{ type: "tool_result", tool_use_id: "a", content: 1 }, ["content"]],
    [{ type: "tool_result", tool_use_id: "a", content: [{ type: "text" }] }, ["content", 0, "text"]],
    [{ type: "tool_result", tool_use_id: "a", is_error: "yes" }, ["is_error"]],
  ];
  test.each(faults)("%j is at fault at %j", (block, path) => expect(findBlockFault(block)).toMatchObject({ path }));

  test("tells what to do with an image by its address", () => {
    const { message } = findBlockFault({ type: "image", source: { type: "url" } }) ?? {};
    expect(message).toMatch(/base64.*not fetched/);
  });

  test("that may not stand where it does is refused by its type, cleaned", () => {
    const { code, details } = refuseBlock({ type: "a'b\n" }, "messages[0].content[1]", "user");
    expect([code, details.param]).toEqual(["unsupported_parameter", "messages[0].content[1].type"]);
    expect(details.message).toMatch(/^'a\?b\?' is not supported: send text/);
  });
});

test("content is text, or a list of blocks", () => {
  expect(findContentFault("")).toBeNull();
  expect(findContentFault([])).toBeNull();
  expect(findContentFault(null)).toMatchObject({ path: [] });
  expect(findContentFault([image, 1])).toMatchObject({ path: [1] });
  expect([listBlocks("x"), listBlocks([1, image])]).toEqual([[], [image]]);
  expect([readText("a"), readText(1)]).toEqual(["a", ""]);
});

test("a part of a chat is text, or an image as a data: URI, and nothing beside", () => {
  expect(writePart({ type: "text", text: "a", cache_control: {}, strange: 1 })).toEqual({ type: "text", text: "a" });
  expect(writePart({ ...image, uuid: "x" })).toEqual({
    type: "image_url",
    image_url: { url: "data:image/png;base64,iVBORw==" },
  });
});
