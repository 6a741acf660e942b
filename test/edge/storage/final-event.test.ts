import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FinalEventFinder } from "#edge/storage/final-event.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const head = [
  'event: response.created\ndata: {"type":"response.created"}\n\n',
  ": a comment\n\n",
  'event: response.output_text.delta\ndata: {"delta":"event: response.completed\\n äöü 🙂"}\n\n',
].join("");
const errorEvent = 'event: error\ndata: {"type":"error"}\n\n';

/** Cuts a text at these bindings, and gives back what goes on at each step, the last event, and what follows it. */
function run(text: string, cuts: number[]) {
  const bytes = encoder.encode(text);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((one, other) => one - other);
  const finder = new FinalEventFinder();
  const passed: Uint8Array[] = [];
  let final: string | null = null;
  let rest = "";
  for (const [index, start] of at.slice(0, -1).entries()) {
    const chunk = bytes.slice(start, at[index + 1]);
    if (final !== null) {
      rest += decoder.decode(chunk);
      continue;
    }
    const split = finder.push(chunk);
    passed.push(...split.passed);
    if (split.final) final = decoder.decode(split.final);
    if (split.rest) rest += decoder.decode(split.rest);
  }
  const all = new Uint8Array(passed.flatMap((piece) => Array.from(piece)));
  return { passed: decoder.decode(all), final, rest, held: decoder.decode(finder.end()) };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe("a stream in any pieces", () => {
  test.each(["completed", "incomplete", "failed"])("has its last event %s found, whole, and all else passed", (end) => {
    const final = `event: response.${end}\ndata: {"type":"response.${end}","response":{}}\n\n`;
    fc.assert(
      fc.property(cuts, (at) => {
        expect(run(head + final + errorEvent, at)).toEqual({ passed: head, final, rest: errorEvent, held: "" });
      }),
    );
  });

  test("that has no such event passes whole, and one that ends within it gives back what it held", () => {
    fc.assert(
      fc.property(cuts, (at) => {
        expect(run(head, at)).toEqual({ passed: head, final: null, rest: "", held: "" });
        const cut = 'event: response.completed\ndata: {"ty';
        expect(run(head + cut, at)).toEqual({ passed: head, final: null, rest: "", held: cut });
      }),
    );
  });

  test("holds back no more than a line's beginning that may be that event's", () => {
    const finder = new FinalEventFinder();
    const push = (text: string) => finder.push(encoder.encode(text)).passed.map((piece) => decoder.decode(piece));
    expect(push("data: {}\n\nevent: resp")).toEqual(["data: {}\n\n"]);
    expect(push("onse.output")).toEqual(["event: response.output"]);
    expect(push("_text.delta\nda")).toEqual(["_text.delta\nda"]);
    expect(push("event: response.completed")).toEqual(["event: response.completed"]);
  });
});
