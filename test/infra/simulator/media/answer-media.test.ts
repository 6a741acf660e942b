import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readWavSeconds } from "#edge/protocol/media/wav.ts";
import { startSimulator, type Simulator } from "#infra/simulator/server.ts";
import { makeWav } from "#test/support/media/sound.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    models: [
      { names: ["ear"], output: "transcripts" },
      { names: ["mouth"], output: "speech" },
      { names: ["brush"], output: "images" },
    ],
    profile: { stepMs: 0 },
  });
});
afterAll(() => simulator.close());

function hear(file: Uint8Array<ArrayBuffer> | string, fields: Record<string, string> = {}, task = "transcriptions") {
  const body = new FormData();
  for (const [name, value] of Object.entries({ model: "ear", ...fields })) body.append(name, value);
  body.append("file", new File([file], "audio.wav"));
  return fetch(`${simulator.url}/v1/audio/${task}`, { method: "POST", body });
}
const post = (path: string, body: object) =>
  fetch(simulator.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("a transcript", () => {
  test("follows from the file alone, and says how long it is as vLLM does", async () => {
    const file = makeWav({ seconds: 12.3 });
    const [one, other] = await Promise.all([hear(file), hear(file)]);
    const heard = (await one.json()) as { text: string };
    expect(heard).toEqual(await other.json());
    expect(heard).toMatchObject({ usage: { type: "duration", seconds: 13 } });
    const long = (await (await hear(file, { response_format: "verbose_json" })).json()) as { segments: object[] };
    expect(long).toMatchObject({ duration: "12.3", text: heard.text });
    expect(long.segments).toHaveLength(2);
    expect(await (await hear(file, {}, "translations")).json()).toEqual({ text: heard.text });
  });

  test.each([
    [makeWav({ seconds: 1 }), { response_format: "srt" }, 400],
    ["not audio", {}, 400],
    [makeWav({ seconds: 1 }), { model: "none" }, 404],
  ])("%# is refused as vLLM does", async (file, fields, status) => {
    expect((await hear(file, fields)).status).toBe(status);
  });
});

test("speech plays, and is as long as its text", async () => {
  const spoken = await post("/v1/audio/speech", { model: "mouth", input: "hello", speed: 0.5 });
  expect(spoken.headers.get("content-type")).toBe("audio/wav");
  const bytes = Buffer.from(await spoken.arrayBuffer());
  expect(readWavSeconds(bytes)).toBeCloseTo(0.6, 3);
  const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length));
  expect([Math.max(...samples), Math.min(...samples)]).toEqual([8_000, -8_000]);
  expect((await post("/v1/audio/speech", { model: "mouth", input: "x", response_format: "mp3" })).status).toBe(400);
});

test("pictures are PNGs, one different from the other", async () => {
  const made = await post("/v1/images/generations", { model: "brush", prompt: "x", n: 2 });
  const { data } = (await made.json()) as { data: { b64_json: string }[] };
  const [one, other] = data.map(({ b64_json }) => Buffer.from(b64_json, "base64"));
  expect(one?.equals(other ?? Buffer.of())).toBe(false);
  const at = one?.indexOf("IDAT") ?? 0;
  const pixels = inflateSync(one?.subarray(at + 4, at + 4 + one.readUInt32BE(at - 4)) ?? Buffer.of());
  expect(pixels).toHaveLength(64 * (1 + 64 * 3));
  expect((await post("/v1/images/generations", { model: "brush", prompt: "x", n: 11 })).status).toBe(400);
});
