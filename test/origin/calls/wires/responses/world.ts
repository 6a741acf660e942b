import type { JsonObject } from "#edge/agreements/json.ts";
import type { AnswerContext, AnswerUsage, EventTranslator } from "#origin/calls/wires/wire.ts";

/** An event as it was written: its name, which must be its type, and what it holds. */
export interface ReadEvent {
  type: string;
  sequence_number: number;
  output_index?: number;
  item_id?: string;
  [member: string]: unknown;
}

export const usage: AnswerUsage = { prompt: 7, cached: 3, completion: 5, reasoning: 2 };

/** What an answer tells of its call, with what a test cares about over defaults. */
export function contextOf(repeated: JsonObject = {}, used: AnswerUsage = usage): AnswerContext {
  return {
    reference: "0123456789abcdefghijkl",
    model: "public/name",
    repeated,
    startedAtMs: 1_790_000_000_900,
    now: () => 1_790_000_005_100,
    readUsage: () => used,
    readFirstTokenAtMs: () => null,
  };
}

/** The events of a text; throws where one has another form. */
export function readEvents(text: string): ReadEvent[] {
  const blocks = text.split("\n\n");
  if (blocks.pop() !== "") throw new Error("the last event has no end");
  return blocks.map((block) => {
    const [name, data, ...others] = block.split("\n");
    const event: ReadEvent = JSON.parse(data?.slice("data: ".length) ?? "");
    if (others.length > 0 || name !== `event: ${event.type}`) throw new Error(`no event: ${block}`);
    return event;
  });
}

/** All that a translator writes for a stream of these choices. */
export function writeStream(translator: EventTranslator, choices: JsonObject[]): ReadEvent[] {
  const texts = [translator.begin(), ...choices.map((choice) => translator.add(choice)), translator.end()];
  return readEvents(texts.join(""));
}
