import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { openAnswerWriter, type AnswerWriterOptions } from "#origin/gguf/answer-writer.ts";

const options: AnswerWriterOptions = {
  isChat: true,
  isStream: true,
  wantsUsage: true,
  wantsContinuousUsage: true,
  model: "m",
  promptTokens: 7,
  id: "0123456789",
  startedAtMs: 1_764_374_400_000,
};

async function heard(over: Partial<AnswerWriterOptions>): Promise<string> {
  const speak = (response: ServerResponse) => {
    const voice = openAnswerWriter(response, { ...options, ...over });
    voice.write("hm", true, 1);
    voice.write("", false, 2);
    voice.write("Hi", false, 3);
    voice.finish({ reason: "stop", completionTokens: 5 }, 3);
  };
  const server = createServer((_, response) => speak(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const text = await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
  server.close();
  return text;
}
const readEvents = (text: string) =>
  text
    .split("\n\n")
    .filter(Boolean)
    .map((block) => (block === "data: [DONE]" ? "done" : JSON.parse(block.slice(6))));

test("a stream says the prompt first, then pieces with the running count, and the whole count last", async () => {
  const events = readEvents(await heard({}));
  expect(
    events
      .slice(0, -2)
      .map(({ choices: [{ delta, finish_reason }], usage }) => [
        delta,
        finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
      ]),
  ).toEqual([
    [{ role: "assistant", content: "" }, null, 7, 0],
    [{ reasoning: "hm" }, null, 7, 1],
    [{ content: "Hi" }, null, 7, 3],
    [{}, "stop", 7, 5],
  ]);
  expect(events.at(-2)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12, prompt_tokens_details: { cached_tokens: 3 } },
  });
  expect(events.at(-1)).toBe("done");
});

test("usage comes only where it is requested", async () => {
  const events = readEvents(await heard({ wantsUsage: false, wantsContinuousUsage: false }));
  expect(events).toHaveLength(5);
  expect(events.some((event) => event.usage !== undefined)).toBe(false);
});

test("whole, thoughts stand apart", async () => {
  expect(JSON.parse(await heard({ isStream: false }))).toMatchObject({
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content: "Hi", reasoning: "hm" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
  });
});

test("plain completions have text", async () => {
  const events = readEvents(await heard({ isChat: false }));
  expect(events.filter((event) => event.choices?.length).map(({ choices: [{ text }] }) => text)).toEqual([
    "",
    "Hi",
    "",
  ]);
  expect(JSON.parse(await heard({ isChat: false, isStream: false }))).toMatchObject({
    object: "text_completion",
    choices: [{ text: "Hi" }],
  });
});
