import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { hearingModel, imageModel, mediaModels, speechModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { makeWav } from "#test/support/media/sound.ts";

const read = (endpoint: Parameters<typeof readParsedBody>[0], json: object) =>
  readParsedBody(endpoint, { json, exact: null }, testModels);
const file = new UploadedFile(makeWav({ seconds: 2.5 }), "a.wav");

describe("a call with sound or pictures", () => {
  test("that is heard has its seconds as units, and its file beside its fields", () => {
    for (const endpoint of ["audio.transcriptions", "audio.translations"] as const) {
      const call = read(endpoint, { model: "whisper", file, response_format: "srt", odd: "x" });
      expect(call).toMatchObject({
        path: `/v1/audio/${endpoint.slice("audio.".length)}`,
        model: hearingModel,
        body: { model: hearingModel.id, response_format: "srt" },
        units: 3,
        promptTokensMax: 150,
        promptTokensGuess: 0,
        choices: 0,
        completionTokens: 0,
        isStream: false,
        media: { file, answerType: "application/x-subrip" },
      });
      expect(Object.keys(call.body).toSorted()).toEqual(["model", "response_format"]);
      expect(call.ignored.headers).toEqual({ "x-penstock-ignored": "odd" });
    }
  });

  test("that is spoken has its characters, and sound of the form that was asked for, or any", () => {
    const body = { model: "tts", input: "𝒳𝒳 x", voice: "v", speed: 2 };
    expect(read("audio.speech", body)).toMatchObject({
      model: speechModel,
      body: { ...body, model: speechModel.id },
      units: 4,
      promptTokensMax: 4,
      media: { file: null, answerType: "audio/" },
    });
    expect(read("audio.speech", { ...body, response_format: "mp3" }).media).toEqual({
      file: null,
      answerType: "audio/mpeg",
    });
  });

  test("that makes pictures has as many as it asks for, one unless it says", () => {
    expect(read("images.generations", { model: "image", prompt: "x" })).toMatchObject({
      model: imageModel,
      units: 1,
      prompts: 1,
      promptTokensMax: 1_000,
    });
    expect(read("images.generations", { model: "image", prompt: "x", n: 10 })).toMatchObject({
      units: 10,
      prompts: 10,
    });
  });

  test("is refused by a model that does another thing", async () => {
    for (const { aliases } of testModels.filter(({ endpoints }) => !endpoints.includes("audio.speech")))
      await expectRefusal(() => read("audio.speech", { model: aliases[0], input: "x" }), "invalid_value", "model");
    for (const { aliases } of mediaModels)
      await expectRefusal(() => read("completions", { model: aliases[0], prompt: "x" }), "invalid_value", "model");
  });

  test("is never held for less than its units", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), fc.integer({ min: 1, max: 10 }), (text, n) => {
        const spoken = read("audio.speech", { model: "tts", input: text });
        expect(spoken.units).toBe(Array.from(text).length);
        const made = read("images.generations", { model: "image", prompt: text, n });
        expect(made.promptTokensMax).toBe(n * 1_000);
      }),
    );
  });
});
