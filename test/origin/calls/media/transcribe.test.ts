import { describe, expect, test } from "vitest";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { answerJson, type Script } from "#test/support/fakes/fake-engine.ts";
import { makeWav } from "#test/support/media/sound.ts";
import { openMediaWorld, readSent } from "./world.ts";

const world = openMediaWorld();
const wav = new UploadedFile(makeWav({ seconds: 4.2 }), "a.wav");
const packed = new UploadedFile(new Uint8Array(100_000), "a.mp3");
const answer =
  (json: object): Script =>
  (response) =>
    answerJson(response, 200, json);
const heard = { text: "hello", usage: { type: "duration", seconds: 5 } };

describe("a transcription", () => {
  test("asks for JSON under the engine's own name of the model, with a form and a name of ours", async () => {
    world.engine.script = answer(heard);
    const { status, headers, text, hold } = await world.ask({
      endpoint: "audio.transcriptions",
      fields: { model: "public", language: "de", response_format: "text" },
      file: wav,
    });
    expect([status, headers["content-type"], text]).toEqual([200, "text/plain; charset=utf-8", "hello\n"]);
    const [seen] = world.engine.calls;
    expect(seen?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=penstock-[0-9a-f]{48}$/);
    const sent = await readSent(seen?.text ?? "", seen?.headers["content-type"]);
    expect([...sent.keys()].toSorted()).toEqual(["file", "language", "model", "response_format"]);
    expect([sent.get("model"), sent.get("response_format")]).toEqual(["engine/name", "json"]);
    expect(sent.get("file")).toMatchObject({ name: "audio.wav" });
    expect(await world.readRecords(hold)).toMatchObject([
      { isFinal: true, outcome: "completed", units: 5, promptTokens: 50, completionTokens: 0 },
    ]);
  });

  test.each([
    ["what the engine says", wav, { usage: { type: "duration", seconds: 9 } }, 9],
    ["the file's header, where it says nothing", wav, {}, 5],
    ["the least that its bytes can be, where that says nothing either", packed, {}, 2],
    ["at most what was held and as much again", packed, { usage: { type: "duration", seconds: 1_000_000 } }, 2_000],
  ])("is billed by %s", async (_, file, said, units) => {
    world.engine.script = answer({ text: "x", ...said });
    const { json, hold } = await world.ask({ endpoint: "audio.transcriptions", file });
    expect(json().usage).toEqual({ type: "duration", seconds: units });
    expect(await world.readRecords(hold)).toMatchObject([{ units, promptTokens: units * 10 }]);
  });

  test.each([
    ["no JSON", (response) => response.end("x")],
    ["no text", answer({ usage: heard.usage })],
    ["an error with 200", answer({ text: "x", error: { message: "y" } })],
  ] as [string, Script][])("of %s is a 502, and leaves no record", async (_, script) => {
    world.engine.script = script;
    const { status, hold } = await world.ask({ endpoint: "audio.transcriptions", file: wav });
    expect(status).toBe(502);
    expect(world.setup.edge.records.filter((record) => record.hold === hold)).toEqual([]);
  });
});

const noTimes: Script = async (response, { text }) => {
  const isLong = text.includes("verbose_json");
  const message = "Currently do not support verbose_json for engine/name";
  const error = { error: { message, type: "BadRequestError", param: null, code: 400 } };
  answerJson(response, isLong ? 400 : 200, isLong ? error : { text: "hello" });
};

describe("a translation", () => {
  test("is asked for in the longer form, which says how long the audio is", async () => {
    world.engine.script = answer({ text: "hello", duration: "7.5" });
    const { json } = await world.ask({ endpoint: "audio.translations", file: packed });
    expect(json()).toEqual({ text: "hello", usage: { type: "duration", seconds: 8 } });
  });

  test("and in the plain one of a model that has no times", async () => {
    world.engine.script = noTimes;
    const { json } = await world.ask({ endpoint: "audio.translations", file: wav });
    expect(json()).toEqual({ text: "hello", usage: { type: "duration", seconds: 5 } });
    expect(world.engine.calls).toHaveLength(2);
  });

  test("of which times are wanted is refused by name there", async () => {
    world.engine.script = noTimes;
    const { status, json } = await world.ask({
      endpoint: "audio.translations",
      fields: { response_format: "srt" },
      file: wav,
    });
    expect([status, json().error.param]).toEqual([400, "response_format"]);
    expect(world.engine.calls).toHaveLength(1);
  });
});
