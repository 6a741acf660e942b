import { expect, test } from "vitest";
import { nameSpeechType } from "#edge/protocol/media/formats.ts";

test.each([
  ["audio/mpeg", "audio/mpeg"],
  ["audio/x-wav", "audio/wav"],
  ["Audio/WAV; rate=24000", "audio/wav"],
  ["audio/opus", "audio/ogg"],
  ["audio/L16", "audio/pcm"],
  ["text/html", null],
  ["audio/evil", null],
  ["constructor", null],
  ["", null],
  [null, null],
])("the sound of type %s is %s", (told, name) => {
  expect(nameSpeechType(told)).toBe(name);
});
