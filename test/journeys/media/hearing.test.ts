import OpenAI, { toFile } from "openai";
import { describe, expect, inject, test } from "vitest";
import { makeWav } from "#test/support/media/sound.ts";
import { windowOf, worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const price = 2_000_000;
const unitTokens = 50;
const path = "/v1/audio/transcriptions";

const wav = (seconds: number) => makeWav({ seconds, rate: 8_000 });
const openClient = (key: string) => new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: key, maxRetries: 0 });

function send(
  key: string,
  parts: [name: string, value: string | Blob][],
  headers: Record<string, string> = {},
  to = path,
) {
  const body = new FormData();
  for (const [name, value] of parts) body.append(name, value);
  return fetch(world.place.edge + to, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
}
const sound = (seconds: number, name = "a.wav") => new File([wav(seconds)], name);

test("a transcript by the official SDK is billed by its exact seconds, in tokens and in money", async () => {
  const org = await world.newOrg({ tokensPerDay: 1_000_000 });
  const openai = openClient(org.key);
  const heard = await openai.audio.transcriptions.create({ model: "whisper", file: await toFile(wav(12.3), "a.wav") });
  expect(heard.text.split(" ").length).toBe(24);
  expect(heard.usage).toEqual({ type: "duration", seconds: 13 });
  const [row, ...others] = await world.settled(org.id);
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    end: "completed",
    endpoint: "audio.transcriptions",
    model: "openai/whisper-large-v3-turbo",
    units: 13,
    promptTokens: 13 * unitTokens,
    completionTokens: 0,
    costMicros: Math.ceil((13 * unitTokens * price) / 1_000_000),
  });
  const window = windowOf(await world.ledger(org.id), "tokensPerDay");
  expect([window.held, window.settled]).toEqual([0, 13 * unitTokens]);
});

test("the file may come before the model or behind it", async () => {
  const { key } = await world.newOrg();
  for (const parts of [
    [["file", sound(1)] as const, ["model", "whisper"] as const],
    [["model", "whisper"] as const, ["file", sound(1)] as const],
  ]) {
    const response = await send(
      key,
      parts.map(([name, value]) => [name, value]),
    );
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ usage: { seconds: 1 } });
  }
});

describe("each form of a transcript", () => {
  test("is what its media type says", async () => {
    const { key } = await world.newOrg();
    const openai = openClient(key);
    const file = await toFile(wav(25), "a.wav");
    const model = "whisper";
    const { text } = await openai.audio.transcriptions.create({ model, file, response_format: "json" });
    const plain = await openai.audio.transcriptions.create({ model, file, response_format: "text" });
    expect(plain).toBe(`${text}\n`);
    const verbose = await openai.audio.transcriptions.create({ model, file, response_format: "verbose_json" });
    expect(verbose).toMatchObject({ duration: 25, language: "en", text, usage: { type: "duration", seconds: 25 } });
    expect(verbose.segments).toHaveLength(3);
    const srt = await openai.audio.transcriptions.create({ model, file, response_format: "srt" });
    expect(srt).toMatch(/^1\n00:00:00,000 --> 00:00:10,000\n.+\n\n2\n00:00:10,000 --> 00:00:20,000\n/);
    const vtt = await openai.audio.transcriptions.create({ model, file, response_format: "vtt" });
    expect(vtt).toMatch(/^WEBVTT\n\n00:00:00.000 --> 00:00:10.000\n/);
    expect(String(vtt)).toContain("00:00:20.000 --> 00:00:25.000");
  });

  test("of a translation, too, whose length the engine tells in its longer form alone", async () => {
    const org = await world.newOrg();
    const file = await toFile(new Uint8Array(64_000), "a.mp3");
    const heard = await openClient(org.key).audio.translations.create({ model: "whisper", file });
    expect(heard.text).not.toBe("");
    // 64 kB at the 128 kbit/s of the engine are 4 seconds; by the bytes alone they might have been 86.
    expect(await world.settled(org.id)).toMatchObject([
      { endpoint: "audio.translations", units: 4, promptTokens: 200 },
    ]);
  });
});

describe("what is not right is refused by name, and nothing is held", () => {
  const file = () => sound(1);
  test.each([
    ["no file", () => [["model", "whisper"]], 400, "file"],
    [
      "text for a file",
      () => [
        ["model", "whisper"],
        ["file", "x"],
      ],
      400,
      "file",
    ],
    [
      "an empty file",
      () => [
        ["model", "whisper"],
        ["file", new File([], "a.wav")],
      ],
      400,
      "file",
    ],
    [
      "an unknown format",
      () => [
        ["model", "whisper"],
        ["file", new File(["MZ"], "a.exe")],
      ],
      400,
      "file",
    ],
    [
      "two files",
      () => [
        ["model", "whisper"],
        ["file", file()],
        ["file", file()],
      ],
      400,
      "file",
    ],
    ["no model", () => [["file", file()]], 400, "model"],
    [
      "a model that chats",
      () => [
        ["file", file()],
        ["model", "chat"],
      ],
      400,
      "model",
    ],
    [
      "no such model",
      () => [
        ["file", file()],
        ["model", "none"],
      ],
      404,
      "model",
    ],
    [
      "a temperature of 2",
      () => [
        ["file", file()],
        ["model", "whisper"],
        ["temperature", "2"],
      ],
      400,
      "temperature",
    ],
    [
      "an odd form",
      () => [
        ["file", file()],
        ["model", "whisper"],
        ["response_format", "x"],
      ],
      400,
      "response_format",
    ],
    [
      "a stream",
      () => [
        ["file", file()],
        ["model", "whisper"],
        ["stream", "true"],
      ],
      400,
      "stream",
    ],
    [
      "half an hour and more",
      () => [
        ["file", new File([makeWav({ seconds: 1_801, rate: 1_000, bits: 8 })], "a.wav")],
        ["model", "whisper"],
      ],
      400,
      "file",
    ],
    [
      "what is no audio",
      () => [
        ["file", new File(["not audio"], "a.mp3")],
        ["model", "whisper"],
      ],
      400,
      "file",
    ],
  ] as [string, () => [string, string | Blob][], number, string][])("%s", async (_, parts, status, param) => {
    const org = await world.newOrg();
    const response = await send(org.key, parts());
    const { error } = (await response.json()) as { error: { param: string } };
    expect([response.status, error.param]).toEqual([status, param]);
    expect((await world.ledger(org.id)).openHolds).toEqual([]);
    expect(await world.settled(org.id)).toEqual([]);
  });

  test("a body that is no form, or breaks off", async () => {
    const { key } = await world.newOrg();
    expect((await world.post(path, key, { model: "whisper" })).status).toBe(400);
    const type = { "content-type": "multipart/form-data; boundary=b" };
    const broken = await world.post(path, key, '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwh', type);
    expect([broken.status, await broken.json()]).toMatchObject([400, { error: { code: "invalid_value" } }]);
  });

  test("a file of more than 25 MiB, in OpenAI's words; and one of 24 MiB is heard", async () => {
    const org = await world.newOrg();
    const large = await send(org.key, [
      ["file", new File([new Uint8Array(26_300_000)], "a.mp3")],
      ["model", "whisper"],
    ]);
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({
      error: {
        code: "request_too_large",
        message: expect.stringMatching(/^Maximum content size limit \(26214400\) exceeded/),
      },
    });
    const bytes = makeWav({ seconds: 780, rate: 16_000 });
    expect(bytes.length).toBeGreaterThan(24_000_000);
    const heard = await send(org.key, [
      ["file", new File([bytes], "a.wav")],
      ["model", "whisper"],
    ]);
    expect([heard.status, await heard.json()]).toMatchObject([200, { usage: { seconds: 780 } }]);
    expect(await world.settled(org.id)).toMatchObject([{ units: 780, promptTokens: 39_000 }]);
  });
});

describe("the same road as every call", () => {
  test("a key for chats is refused, one for transcripts is not, and may do nothing else", async () => {
    const org = await world.newOrg();
    const chats = (await world.newKey(org.id, { endpoints: ["chat.completions"] })).secret;
    const hears = (await world.newKey(org.id, { endpoints: ["audio.transcriptions"] })).secret;
    const parts: [string, string | Blob][] = [
      ["model", "whisper"],
      ["file", sound(1)],
    ];
    expect((await send(chats, parts)).status).toBe(403);
    expect((await send(hears, parts)).status).toBe(200);
    expect((await send(hears, parts, {}, "/v1/audio/translations")).status).toBe(403);
    expect((await world.chat(hears)).status).toBe(403);
    expect((await send("sk-pen-x", parts)).status).toBe(401);
  });

  test("a window that is too small for the seconds refuses, exactly", async () => {
    const org = await world.newOrg({ tokensPerDay: 10 * unitTokens });
    const ask = (seconds: number) =>
      send(org.key, [
        ["model", "whisper"],
        ["file", sound(seconds)],
      ]);
    expect((await ask(10.5)).status).toBe(429);
    expect((await ask(10)).status).toBe(200);
    expect((await ask(1)).status).toBe(429);
    await world.settled(org.id);
    const window = windowOf(await world.ledger(org.id), "tokensPerDay");
    expect([window.held, window.settled, window.remaining]).toEqual([0, 500, 0]);
  });

  test("a call that is sent again under its key is not run again, whatever its boundary", async () => {
    const org = await world.newOrg();
    const key = { "idempotency-key": "one" };
    const ask = (seconds: number) =>
      send(
        org.key,
        [
          ["model", "whisper"],
          ["file", sound(seconds)],
        ],
        key,
      );
    expect((await ask(2)).status).toBe(200);
    await world.settled(org.id);
    const again = await ask(2);
    expect([again.status, await again.json()]).toMatchObject([409, { error: { code: "idempotency_replayed" } }]);
    const other = await ask(3);
    expect([other.status, await other.json()]).toMatchObject([409, { error: { code: "idempotency_mismatch" } }]);
  });

  test("Azure's address names the model", async () => {
    const { key } = await world.newOrg();
    const to = "/openai/deployments/whisper/audio/transcriptions?api-version=2024-06-01";
    expect((await send(key, [["file", sound(1)]], {}, to)).status).toBe(200);
    expect(
      (
        await send(
          key,
          [
            ["file", sound(1)],
            ["model", "tts"],
          ],
          {},
          to,
        )
      ).status,
    ).toBe(400);
  });

  test("what nobody knows is ignored, and named", async () => {
    const { key } = await world.newOrg();
    const response = await send(key, [
      ["file", sound(1)],
      ["model", "whisper"],
      ["hotwords", "x"],
      ["user", "me"],
    ]);
    expect([response.status, response.headers.get("x-penstock-ignored")]).toEqual([200, "hotwords"]);
  });
});
