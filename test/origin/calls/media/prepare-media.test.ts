import { describe, expect, test } from "vitest";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { writeForm } from "#edge/protocol/media/write-form.ts";
import { prepareMedia, type MediaToPrepare } from "#origin/calls/media/prepare-media.ts";
import { openEngine } from "#origin/engines/http/client.ts";
import { hopClaims } from "#test/support/fakes/origin.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { makeWav } from "#test/support/media/sound.ts";

const models = { public: "engine/name" };
const engine = openEngine({ kind: "openai", url: "http://127.0.0.1:1", models });
const claims = hopClaims({ endpoint: "audio.speech", tokensHeld: 1_000, completionTokensMax: 0, unitTokens: 10 });

function prepare(path: MediaToPrepare["path"], fields: object, over: Partial<MediaToPrepare> = {}) {
  return prepareMedia({
    path,
    body: Buffer.from(JSON.stringify(fields)),
    contentType: "application/json",
    claims,
    engine,
    ...over,
  });
}

function upload(file: UploadedFile, fields = {}, over: Partial<MediaToPrepare> = {}) {
  const { bytes, contentType } = writeForm(fields, file, "b");
  return prepare("/v1/audio/transcriptions", {}, { body: Buffer.from(bytes), contentType, ...over });
}
const wav = (seconds: number) => new UploadedFile(makeWav({ seconds }), "a.wav");

describe("what an engine is asked", () => {
  test("is what the tables let on, under its own name of the model", async () => {
    const call = await prepare("/v1/audio/speech", { model: "x", input: "hello", voice: "v", odd: 1, user: "u" });
    expect(call).toMatchObject({
      body: { model: "engine/name", input: "hello", voice: "v" },
      media: { file: null, format: null },
      units: 5,
      size: { prompts: 1, choices: 0, promptTokens: 0, completionTokens: 0 },
      bounds: { tokensHeld: 1_000, completionTokensMax: 0, unitTokens: 10 },
    });
    expect(Object.keys(call.body).toSorted()).toEqual(["input", "model", "voice"]);
  });

  test("is a form's fields, and its file beside them", async () => {
    const call = await upload(wav(2.5), { language: "de", response_format: "vtt", odd: "x" });
    expect(call.body).toEqual({ model: "engine/name", language: "de", response_format: "vtt" });
    expect([call.media?.format, call.media?.file?.extension, call.units]).toEqual(["vtt", "wav", 3]);
  });

  test("pictures take as much room as they are many, and who leaves pays none", async () => {
    const call = await prepare("/v1/images/generations", { prompt: "x", n: 9 });
    expect([call.size.prompts, call.units]).toEqual([9, 0]);
  });
});

test.each([
  [
    "an engine that has nothing of the kind",
    { engine: openEngine({ kind: "ollama", url: "http://127.0.0.1:1", models }) },
  ],
  ["vLLM, which does not speak", { engine: openEngine({ kind: "vllm", url: "http://127.0.0.1:1", models }) }],
  ["a model that is not here", { claims: { ...claims, model: "other" } }],
  ["a hold for fewer characters", { claims: { ...claims, tokensHeld: 49 } }],
  ["nothing that a unit counts for", { claims: hopClaims({ endpoint: "audio.speech", tokensHeld: 1_000 }) }],
] as [string, Partial<MediaToPrepare>][])("of %s is a 502", async (_, over) => {
  await expectRefusal(() => prepare("/v1/audio/speech", { input: "hello" }, over), "bad_gateway");
});

test("more seconds than are held are not asked for", async () => {
  await upload(wav(100));
  await expectRefusal(() => upload(wav(100.5)), "bad_gateway");
});

test.each([
  ["/v1/audio/speech", { input: "x".repeat(4_097) }, "invalid_value"],
  ["/v1/images/generations", { prompt: "x", n: 11 }, "invalid_value"],
  ["/v1/images/generations", { prompt: "x", response_format: "url" }, "unsupported_parameter"],
  ["/v1/audio/transcriptions", { model: "x" }, "invalid_value"],
] as const)("at %s a body that no edge of ours sends is refused: %j", async (path, body, code) => {
  await expectRefusal(() => prepare(path, body), code);
});
