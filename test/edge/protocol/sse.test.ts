import { expect, test } from "vitest";
import { Refusal, refusals, type RefusalCode } from "#edge/errors.ts";
import { encodeErrorEvent, streamHeaders, waitComment } from "#edge/protocol/sse.ts";

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("waiting is a comment, the one thing that every SDK passes over", () => {
  expect(textOf(waitComment)).toMatch(/^: [^\n\r]*\n\n$/);
});

test("an error is one event of one line whatever its words, and never followed by [DONE]", () => {
  for (const code of Object.keys(refusals) as RefusalCode[]) {
    const event = textOf(
      encodeErrorEvent(
        new Refusal(code, { message: "a\nb\r\n\ndata: [DONE]\n\n\u2028", log: "CANARY", cause: new Error("CANARY") }),
      ),
    );
    // A blank line first: what came before may have been cut within a line.
    const [blank, end, line, ...rest] = event.split(/\r\n|\n|\r/);
    expect([blank, end, ...rest]).toEqual(["", "", "", ""]);
    expect(JSON.parse(line?.slice("data: ".length) ?? "")).toMatchObject({ error: { code, param: null } });
    expect(event).not.toContain("CANARY");
  }
});

test("a stream is neither stored nor transformed on its way", () => {
  expect(streamHeaders["content-type"]).toMatch(/^text\/event-stream/);
  for (const word of ["no-store", "no-transform"]) expect(streamHeaders["cache-control"]).toContain(word);
});
