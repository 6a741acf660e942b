import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countCharacters, ImagesBody, SpeechBody, TranscriptionBody } from "#edge/protocol/media/members.ts";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { parseMembers } from "#edge/protocol/openai/members/parse.ts";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const file = new UploadedFile(new Uint8Array([1]), "a.mp3");
const heard = { model: "whisper", file };

test.each([
  ["", 0],
  ["abc", 3],
  ["𝒳深", 2],
  ["e\u0301", 2],
])("%j has %i characters", (text, count) => {
  expect(countCharacters(text)).toBe(count);
});

describe("the fields of a form", () => {
  test.each(["0", "1", "0.2", "0.20", "1.0"])("a temperature of %s goes on as it was written", (temperature) => {
    expect(parseMembers["audio.transcriptions"]({ ...heard, temperature }, new IgnoredMembers())).toMatchObject({
      temperature,
    });
  });

  test.each([
    ["audio.transcriptions", { temperature: "-1" }, "invalid_value", "temperature"],
    ["audio.transcriptions", { temperature: "1e-1" }, "invalid_value", "temperature"],
    ["audio.transcriptions", { temperature: "1.1" }, "invalid_value", "temperature"],
    ["audio.transcriptions", { temperature: "x" }, "invalid_value", "temperature"],
    ["audio.transcriptions", { language: "de\r\nx: y" }, "invalid_value", "language"],
    ["audio.transcriptions", { response_format: "diarized_json" }, "invalid_value", "response_format"],
    ["audio.transcriptions", { "timestamp_granularities[]": ["x"] }, "invalid_value", "timestamp_granularities[]"],
    ["audio.transcriptions", { "include[]": ["logprobs"] }, "unsupported_parameter", "include[]"],
    ["audio.transcriptions", { stream: "True" }, "unsupported_parameter", "stream"],
    ["audio.translations", { stream: "1" }, "unsupported_parameter", "stream"],
    [
      "audio.translations",
      { "timestamp_granularities[]": ["word"] },
      "unsupported_parameter",
      "timestamp_granularities[]",
    ],
  ] as const)("%s refuses %j", async (endpoint, over, code, param) => {
    const refusal = await expectRefusal(
      () => parseMembers[endpoint]({ ...heard, ...over }, new IgnoredMembers()),
      code,
    );
    expect(refusal.details.param?.replaceAll("?", "")).toContain(param.replace("[]", ""));
  });

  test.each(["false", "False", "0", ""])("a stream of %j is none", (stream) => {
    expect(parseMembers["audio.transcriptions"]({ ...heard, stream }, new IgnoredMembers())).toEqual(heard);
  });

  test("empty ones say nothing, as forms send them", () => {
    const empty = { language: "", prompt: "", temperature: "", response_format: "" };
    expect(parseMembers["audio.transcriptions"]({ ...heard, ...empty }, new IgnoredMembers())).toEqual(heard);
  });
});

test("whatever a form or a body holds is taken or refused, and never a file that is none", () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom("file", "prompt", "n", "input", "speed"), (value, name) => {
      expect(TranscriptionBody.safeParse({ ...heard, file: value }).success).toBe(false);
      const bodies = [
        SpeechBody.safeParse({ model: "m", input: "x", [name]: value }),
        ImagesBody.safeParse({ model: "m", prompt: "x", [name]: value }),
      ];
      for (const { success } of bodies) expect(typeof success).toBe("boolean");
    }),
  );
});
