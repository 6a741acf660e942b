import { expect, test } from "vitest";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { answerJson } from "#test/support/fakes/fake-engine.ts";
import { openMediaWorld, readSent } from "./world.ts";

const world = openMediaWorld();
const file = new UploadedFile(new Uint8Array([0x49, 0x44, 0x33, 0x0d, 0x0a, 0x2d, 0x2d, 0xff]), "a.mp3");

test("a file reaches the engine byte for byte", async () => {
  world.engine.script = (response) => answerJson(response, 200, { text: "x" });
  await world.ask({ endpoint: "audio.transcriptions", fields: { "timestamp_granularities[]": ["word"] }, file });
  const [seen] = world.engine.calls;
  const sent = await readSent(seen?.text ?? "", seen?.headers["content-type"]);
  const got = sent.get("file");
  expect(got instanceof File && Buffer.from(await got.arrayBuffer()).equals(Buffer.from(file.bytes))).toBe(true);
  expect(sent.get("timestamp_granularities[]")).toBe("word");
});

test.each([
  [400, { error: { message: "Invalid or unsupported audio file.", param: null } }, 400, "file"],
  [400, { error: { message: "x", param: "temperature" } }, 400, "temperature"],
  [503, { error: { message: "full" } }, 503, null],
  [401, { error: { message: "wrong key sk-x" } }, 502, null],
  [404, { error: { message: "no such model" } }, 502, null],
  [500, { error: { message: "/usr/lib/secret" } }, 502, null],
])("an engine's %i %j is a refusal in our words", async (status, body, ours, param) => {
  world.engine.script = (response) => answerJson(response, status, body);
  const answer = await world.ask({ endpoint: "audio.transcriptions", file });
  expect([answer.status, answer.json().error.param]).toEqual([ours, param]);
  expect(answer.text).not.toMatch(/sk-x|secret/);
});
