import { describe, expect, test } from "vitest";
import { Message } from "#edge/protocol/anthropic/answers.ts";
import { chunk, doneEvent, openStream, roleChunk, streamChunks, usage } from "#test/support/fakes/fake-engine.ts";
import { openCallWorld, pause } from "#test/origin/calls/world.ts";
import { collect, readEvents } from "./world.ts";

const world = openCallWorld();
const asMessages = { endpoint: "messages" } as const;
const think = (text: string, made: number) => chunk(text, usage(7, made)).replace('"content"', '"reasoning"');
const chunks = [
  roleChunk,
  think("hm, ", 1),
  think("ja…", 2),
  chunk("Grüße ", usage(7, 3)),
  chunk("🌍", usage(7, 4), "stop"),
  doneEvent,
];

describe("an agent's answer to a call of the Messages API", () => {
  test("streams thoughts and text, in any letters, and tells at both ends what is billed", async () => {
    world.engine.script = (response) => streamChunks(response, chunks);
    const { text, hold } = await world.ask({ stream: true }, asMessages);
    const events = readEvents(text);
    expect(collect(events).map((block) => [block.type, block.text])).toEqual([
      ["thinking", "hm, ja…"],
      ["text", "Grüße 🌍"],
    ]);
    expect(events[0]?.message).toMatchObject({ id: `msg_${hold.slice(5)}`, usage: { input_tokens: 7 } });
    expect(events.at(-2)?.usage).toMatchObject({ input_tokens: 7, output_tokens: 4 });
    expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 7, completionTokens: 4, outcome: "completed" });
  });

  test("leaves the thoughts out where nobody wants them, and they are paid all the same", async () => {
    world.engine.script = (response) => streamChunks(response, chunks);
    const streamed = await world.ask({ stream: true, include_reasoning: false }, asMessages);
    expect(collect(readEvents(streamed.text)).map(({ type }) => type)).toEqual(["text"]);
    const whole = await world.ask({ include_reasoning: false }, asMessages);
    expect(Message.parse(JSON.parse(whole.text))).toMatchObject({ content: [{ text: "Grüße 🌍" }] });
    for (const { hold } of [streamed, whole])
      expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 4 });
  });

  test("is the same as a whole, though the engine is asked for a stream", async () => {
    world.engine.script = (response) => streamChunks(response, chunks);
    const { text, hold } = await world.ask({}, asMessages);
    expect(world.engine.calls[0]?.body).toMatchObject({ stream: true });
    expect(Message.parse(JSON.parse(text))).toMatchObject({
      id: `msg_${hold.slice(5)}`,
      content: [
        { type: "thinking", thinking: "hm, ja…" },
        { type: "text", text: "Grüße 🌍" },
      ],
      usage: { input_tokens: 7, output_tokens: 4 },
    });
  });

  test("keeps a silent connection open with pings", async () => {
    world.engine.script = async (response) => {
      openStream(response);
      response.write(roleChunk);
      await pause(200);
      for (const part of chunks.slice(1)) response.write(part);
      response.end();
    };
    const { text } = await world.ask({ stream: true }, asMessages);
    expect(text).toMatch(/^event: message_start\n.*\n\n(event: ping\ndata: {"type":"ping"}\n\n){2,}event: content/);
    expect(readEvents(text).at(-1)).toEqual({ type: "message_stop" });
  });
});
