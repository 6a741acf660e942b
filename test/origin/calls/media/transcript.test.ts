import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSeconds, writeTranscript } from "#origin/calls/media/transcript.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const segments = [
  { id: 0, start: 0, end: 2.5, text: " Hello there." },
  { id: 1, start: 2.5, end: 3_725.0004, text: "Two\n\nlines --> here" },
];
const answer = { text: "Hello there. Two lines", language: "en", duration: "3725.2", segments, words: null, x: 1 };

test.each([
  [{ usage: { type: "duration", seconds: 12 } }, 12],
  [{ usage: { type: "duration", seconds: 12.01 } }, 13],
  [{ duration: "12.3" }, 13],
  [{ duration: 0.4 }, 1],
  [{ usage: { type: "tokens", input_tokens: 3 }, duration: 9 }, 9],
  [{ usage: { type: "tokens", input_tokens: 3 } }, null],
  [{ usage: { type: "duration", seconds: -1 } }, null],
  [{ usage: { type: "duration", seconds: "1e3" } }, null],
  [{ duration: "long" }, null],
  [{ duration: Infinity }, null],
  [{}, null],
])("an engine that says %j has heard %s seconds", (told, seconds) => {
  expect(readSeconds(told)).toBe(seconds);
});

describe("a transcript is written", () => {
  test("as JSON, with what is billed", () => {
    expect(JSON.parse(writeTranscript(answer, "json", 7))).toEqual({
      text: answer.text,
      usage: { type: "duration", seconds: 7 },
    });
  });

  test("as long JSON: its length is a number, as OpenAI's SDKs have it", () => {
    expect(JSON.parse(writeTranscript(answer, "verbose_json", 3_726))).toEqual({
      language: "en",
      duration: 3_725.2,
      text: answer.text,
      segments,
      usage: { type: "duration", seconds: 3_726 },
    });
    expect(JSON.parse(writeTranscript({ text: "x" }, "verbose_json", 7))).toMatchObject({ duration: 7 });
  });

  test("as text, SubRip and WebVTT", () => {
    expect(writeTranscript(answer, "text", 7)).toBe("Hello there. Two lines\n");
    expect(writeTranscript(answer, "srt", 7)).toBe(
      "1\n00:00:00,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:02,500 --> 01:02:05,000\nTwo\nlines --> here\n",
    );
    expect(writeTranscript(answer, "vtt", 7)).toBe(
      "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nHello there.\n\n00:00:02.500 --> 01:02:05.000\nTwo\nlines → here\n",
    );
  });

  test.each([{}, { segments: null }, { segments: [{ start: 0, end: "1", text: "x" }] }, { segments: [7] }])(
    "with times never without them: %j",
    async (without) => {
      for (const format of ["srt", "vtt"])
        await expectRefusal(() => writeTranscript({ text: "x", ...without }, format, 7), "bad_gateway");
    },
  );

  test("so that no text ends a cue, or begins another", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 5 }), (texts) => {
        const cues = texts.map((text, at) => ({ start: at, end: at + 1, text: `a${text}b` }));
        const blocks = writeTranscript({ text: "", segments: cues }, "srt", 1).split("\n\n");
        expect(blocks).toHaveLength(cues.length);
        const vtt = writeTranscript({ text: "", segments: cues }, "vtt", 1);
        expect(vtt.match(/-->/g)).toHaveLength(cues.length);
      }),
    );
  });
});
