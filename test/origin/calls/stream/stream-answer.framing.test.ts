import { describe, expect, test } from "vitest";
import {
  chunk,
  doneEvent,
  openStream,
  roleChunk,
  streamChunks,
  textChunks,
  usage,
} from "#test/support/fakes/fake-engine.ts";
import { eventsOf, textOfStream } from "#test/support/fakes/origin.ts";
import { openCallWorld } from "#test/origin/calls/world.ts";

const world = openCallWorld({ pingMs: 60, streamIdleMsMax: 400 });
const stream = (body: Record<string, unknown> = {}, claims: Record<string, unknown> = {}) =>
  world.ask({ stream: true, ...body }, claims);

describe("framing", () => {
  const whole = textChunks(["é", "日本", "🌍 ok"]).join("");

  test("bytes may be torn anywhere: in a character, between the line feeds, in the middle of [DONE]", async () => {
    const bytes = Buffer.from(whole);
    for (const size of [1, 2, 3, 7, 61]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      world.engine.script = (response) => streamChunks(response, pieces);
      const { text, hold } = await stream();
      expect(textOfStream(text)).toBe("é日本🌍 ok");
      expect(eventsOf(text).at(-1)).toBe("[DONE]");
      expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 3, outcome: "completed" });
    }
  });

  test.each([
    ["CRLF", whole.replaceAll("\n", "\r\n")],
    ["CR", whole.replaceAll("\n", "\r")],
    ["comments between events", whole.replaceAll("\n\n", "\n\n: hello\n\n")],
    ["no space after the colon", whole.replaceAll("data: ", "data:")],
    ["event and id fields", whole.replaceAll("data: ", "event: message\nid: 7\ndata: ")],
    ["payloads over two data lines", whole.replaceAll('"choices":', '\ndata: "choices":')],
    ["a byte order mark", `\ufeff${whole}`],
    ["one blank line too many", whole.replaceAll("\n\n", "\n\n\n")],
    ["no blank line after [DONE]", whole.trimEnd()],
    ["events with empty data", whole.replaceAll("\n\n", "\n\ndata:\n\ndata\ndata: \n\n")],
    ["an event with empty data at the beginning", `data:\n\n${whole}`],
    ["no [DONE] at all", whole.replace(doneEvent, "")],
    ["a comment in place of [DONE]", whole.replace(doneEvent, ": bye\n\n")],
    ["an event with empty data in place of [DONE]", whole.replace(doneEvent, "data:\n\n")],
  ])("%s changes nothing", async (_, bytes) => {
    world.engine.script = (response) => streamChunks(response, [bytes]);
    const { text, hold } = await stream();
    expect(textOfStream(text)).toBe("é日本🌍 ok");
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 3, outcome: "completed" });
  });
});

describe("an engine that forgets [DONE]", () => {
  const finished = (index: number) => chunk("b", usage(7, 2), "stop", index);

  test("has completed once every choice has finished and its usage is known", async () => {
    world.engine.script = (response) =>
      streamChunks(response, [
        chunk("a", usage(7, 1), null, 0),
        chunk("a", usage(7, 1), null, 1),
        finished(1),
        finished(0),
      ]);
    const { text, hold } = await stream({ n: 2, stream_options: { include_usage: true } });
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    expect(JSON.parse(eventsOf(text).at(-2) ?? "").usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 4 });
    expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 7, completionTokens: 4, outcome: "completed" });
  });

  const whole = textChunks(["a", "b"]);
  test.each<[string, Record<string, unknown>, string[]]>([
    ["no choice has finished", {}, [roleChunk, chunk("a", usage(7, 1))]],
    ["one of two choices has not finished", { n: 2 }, [chunk("a", usage(7, 1), null, 1), finished(0)]],
    ["no usage was reported", {}, [chunk("a", null), chunk("b", null, "stop")]],
    ["only one choice's usage was reported", { n: 2 }, [chunk("a", null, "stop", 1), finished(0)]],
    ["an event was begun after it", {}, [...whole.slice(0, -1), 'data: {"error"']],
    ["an error came after it", {}, [...whole.slice(0, -1), 'data: {"error":{"message":"x","code":500}}\n\n']],
  ])("has failed where %s", async (_, body, pieces) => {
    world.engine.script = (response) => streamChunks(response, pieces);
    const { text, hold } = await stream(body);
    expect(text).not.toContain("[DONE]");
    expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("stream_broken");
    expect(await world.readFinal(hold)).toMatchObject({ outcome: "failed" });
  });
});

test("an engine that sends nothing but events with empty data is idle, and its stream is ended", async () => {
  let timer: NodeJS.Timeout | undefined;
  world.engine.script = (response) => {
    openStream(response);
    response.write(roleChunk);
    timer = setInterval(() => response.write("data:\n\n"), 20);
    response.on("close", () => clearInterval(timer));
  };
  const { text, hold } = await stream();
  expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("stream_broken");
  expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 0, outcome: "failed" });
});
