import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import { readWavSeconds } from "#edge/protocol/media/wav.ts";
import { windowOf, worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const path = "/v1/audio/speech";
const input = "The deep well is where the road ends. 深い井戸";
const characters = Array.from(input).length;

test("speech by the official SDK is a WAV file that plays, and is billed by its characters", async () => {
  const org = await world.newOrg({ tokensPerDay: 100_000 });
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const spoken = await openai.audio.speech.create({ model: "tts", input, voice: "alloy", response_format: "wav" });
  expect(spoken.headers.get("content-type")).toBe("audio/wav");
  const bytes = new Uint8Array(await spoken.arrayBuffer());
  expect(readWavSeconds(bytes)).toBeCloseTo(characters * 0.06, 3);
  expect(bytes.length).toBe(44 + characters * 0.06 * 48_000);
  expect(await world.settled(org.id)).toMatchObject([
    {
      end: "completed",
      endpoint: "audio.speech",
      units: characters,
      promptTokens: characters,
      completionTokens: 0,
      costMicros: characters,
    },
  ]);
  const window = windowOf(await world.ledger(org.id), "tokensPerDay");
  expect([window.held, window.settled]).toEqual([0, characters]);
});

describe("the form of the sound", () => {
  const ask = async (body: object) => {
    const { key } = await world.newOrg();
    const response = await world.post(path, key, { model: "tts", input: "Hello", voice: "alloy", ...body });
    return { status: response.status, type: response.headers.get("content-type"), response };
  };

  test("is the engine's own where none is asked for", async () => {
    const { status, type, response } = await ask({});
    expect([status, type]).toEqual([200, "audio/wav"]);
    expect(readWavSeconds(new Uint8Array(await response.arrayBuffer()))).toBeCloseTo(0.3, 3);
  });

  test("and the speed are as asked for", async () => {
    const { status, type, response } = await ask({ response_format: "pcm", speed: 2 });
    expect([status, type, (await response.arrayBuffer()).byteLength]).toEqual([200, "audio/pcm", 150 * 48]);
  });

  test("comes as it is made: the first piece is there long before the last", async () => {
    const { response } = await ask({ input: "x".repeat(400), response_format: "pcm" });
    const reader = response.body!.getReader();
    const first = await reader.read();
    const firstAtMs = performance.now();
    expect(first.value?.byteLength).toBeLessThan(100_000);
    let size = first.value?.byteLength ?? 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.byteLength;
    expect(size).toBe(400 * 60 * 48);
    expect(performance.now() - firstAtMs).toBeGreaterThan(50);
  });
});

describe("what is not right is refused by name, and nothing is held", () => {
  test.each([
    [{ input: "" }, 400, "input"],
    [{ input: "x".repeat(4_097) }, 400, "input"],
    [{ input: ["x"] }, 400, "input"],
    [{ speed: 5 }, 400, "speed"],
    [{ voice: "" }, 400, "voice"],
    [{ response_format: "exe" }, 400, "response_format"],
    // The simulator speaks WAV and PCM alone.
    [{ response_format: "mp3" }, 400, "response_format"],
    [{ stream_format: "sse" }, 400, "stream_format"],
    [{ model: "chat" }, 400, "model"],
    [{ model: "none" }, 404, "model"],
  ])("%j", async (body, status, param) => {
    const org = await world.newOrg();
    const response = await world.post(path, org.key, { model: "tts", input: "Hello", voice: "alloy", ...body });
    const { error } = (await response.json()) as { error: { param: string } };
    expect([response.status, error.param]).toEqual([status, param]);
    expect(await world.settled(org.id)).toEqual([]);
  });

  test("a text of 4,096 characters is not, however many units of JavaScript's they are", async () => {
    const org = await world.newOrg();
    const long = "𝒳".repeat(4_096);
    const response = await world.post(path, org.key, { model: "tts", input: long, voice: "alloy", speed: 4 });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    expect(await world.settled(org.id)).toMatchObject([{ units: 4_096, promptTokens: 4_096 }]);
  });

  test("a key for chats", async () => {
    const org = await world.newOrg();
    const chats = (await world.newKey(org.id, { endpoints: ["chat.completions"] })).secret;
    const response = await world.post(path, chats, { model: "tts", input: "Hello", voice: "alloy" });
    expect(response.status).toBe(403);
  });
});

test("Azure's address names the model", async () => {
  const { key } = await world.newOrg();
  const to = "/openai/deployments/tts/audio/speech?api-version=2025-01-01";
  expect((await world.post(to, key, { input: "Hello", voice: "alloy" })).status).toBe(200);
});
