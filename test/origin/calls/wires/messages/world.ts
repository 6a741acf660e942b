import { expect } from "vitest";
import type { JsonObject } from "#edge/agreements/json.ts";
import { Message, MessageEvent } from "#edge/protocol/anthropic/answers.ts";
import { openMessageEvents } from "#origin/calls/wires/messages/stream.ts";
import type { AnswerContext } from "#origin/calls/wires/wire.ts";
import { ChoiceAssembly } from "#origin/calls/whole/assemble-choice.ts";
import { buildMessage } from "#origin/calls/wires/messages/whole.ts";

export const context: AnswerContext = {
  reference: "0123456789abcdefghijkl",
  model: "Qwen/Qwen2.5-7B-Instruct",
  repeated: {},
  startedAtMs: 0,
  now: () => 0,
  readUsage: () => ({ prompt: 33, cached: 32, completion: 4, reasoning: 0 }),
  readFirstTokenAtMs: () => null,
};

/** The events of one stream, parsed; fails for what is no event of the API's document. */
export function readEvents(text: string) {
  const blocks = text.split("\n\n");
  expect(blocks.pop()).toBe("");
  return blocks.map((block) => {
    const [name, line, ...rest] = block.split("\n");
    const event = MessageEvent.parse(JSON.parse(line?.slice("data: ".length) ?? ""));
    expect([name, ...rest]).toEqual([`event: ${event.type}`]);
    return event;
  });
}
export type Event = ReturnType<typeof readEvents>[number];

/** Streams choices of chunks as a message. */
export function streamOf(choices: readonly JsonObject[]): Event[] {
  const translator = openMessageEvents(context);
  const text = translator.begin() + choices.map((choice) => translator.add(structuredClone(choice))).join("");
  return readEvents(text + translator.end());
}

/** The whole message for the same chunks, put together as the agent does. */
export function wholeOf(choices: readonly JsonObject[]) {
  const assembly = new ChoiceAssembly(0);
  for (const choice of choices) assembly.add(structuredClone(choice));
  return Message.parse(JSON.parse(JSON.stringify(buildMessage({ choices: [assembly.buildChat()] }, context))));
}

/** What a client has in the end: blocks with their deltas, put together as SDKs do. */
export function collect(events: readonly Event[]) {
  const blocks: { type: string; id: string | undefined; name: string | undefined; text: string }[] = [];
  for (const { type, index = -1, content_block: block, delta } of events) {
    if (type === "content_block_start" && block)
      blocks.push({ type: block.type, id: block.id, name: block.name, text: "" });
    const open = blocks[index];
    if (type === "content_block_delta" && open)
      open.text += delta?.text ?? delta?.thinking ?? delta?.partial_json ?? "";
  }
  return blocks;
}
