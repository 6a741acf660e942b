import { inflateSync } from "node:zlib";
import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import { windowOf, worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const path = "/v1/images/generations";
const prompt = "A deep well at night";

/** The width and height of a PNG whose pixels are all there. */
function readPng(base64: string | undefined): [number, number] {
  const bytes = Buffer.from(base64 ?? "", "base64");
  expect(bytes.toString("latin1", 1, 4)).toBe("PNG");
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const at = bytes.indexOf("IDAT");
  const pixels = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)));
  expect(pixels).toHaveLength(height * (1 + width * 3));
  return [width, height];
}

test("pictures by the official SDK are as many as were asked for, and billed so", async () => {
  const org = await world.newOrg({ tokensPerDay: 1_000_000 });
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const made = await openai.images.generate({ model: "image", prompt, n: 3, size: "1024x1024" });
  expect(made.data).toHaveLength(3);
  for (const { b64_json, url } of made.data ?? []) {
    expect(readPng(b64_json)).toEqual([64, 64]);
    expect(url).toBeUndefined();
  }
  expect(new Set(made.data?.map(({ b64_json }) => b64_json)).size).toBe(3);
  expect(await world.settled(org.id)).toMatchObject([
    {
      end: "completed",
      endpoint: "images.generations",
      units: 3,
      promptTokens: 3_000,
      completionTokens: 0,
      costMicros: 9_000,
    },
  ]);
  const window = windowOf(await world.ledger(org.id), "tokensPerDay");
  expect([window.held, window.settled]).toEqual([0, 3_000]);
});

test("one is made where no number is said, and b64_json may be said", async () => {
  const { key } = await world.newOrg();
  const response = await world.post(path, key, { model: "image", prompt, response_format: "b64_json", n: null });
  const { data } = (await response.json()) as { data: { b64_json: string }[] };
  expect(data).toHaveLength(1);
});

describe("what is not right is refused by name, and nothing is held", () => {
  test.each([
    [{ prompt: "" }, 400, "prompt"],
    [{ prompt: "x".repeat(32_001) }, 400, "prompt"],
    [{ n: 0 }, 400, "n"],
    [{ n: 11 }, 400, "n"],
    [{ n: 1.5 }, 400, "n"],
    [{ size: "huge" }, 400, "size"],
    [{ response_format: "url" }, 400, "response_format"],
    [{ stream: true }, 400, "stream"],
    [{ partial_images: 2 }, 400, "partial_images"],
    [{ model: "tts" }, 400, "model"],
    [{ model: "none" }, 404, "model"],
  ])("%j", async (body, status, param) => {
    const org = await world.newOrg();
    const response = await world.post(path, org.key, { model: "image", prompt, ...body });
    const { error } = (await response.json()) as { error: { param: string } };
    expect([response.status, error.param]).toEqual([status, param]);
    expect(await world.settled(org.id)).toEqual([]);
  });

  test.each(["/v1/images/edits", "/v1/images/variations"])("%s, with its own name", async (to) => {
    const { key } = await world.newOrg();
    const response = await world.post(to, key, { model: "image", prompt });
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error.message]).toEqual([
      404,
      expect.stringMatching(/OpenAI's (edits|variations) of images/),
    ]);
  });

  test("a key for chats", async () => {
    const org = await world.newOrg();
    const chats = (await world.newKey(org.id, { endpoints: ["chat.completions"] })).secret;
    expect((await world.post(path, chats, { model: "image", prompt })).status).toBe(403);
  });
});

test("what is left of a window is what may be made", async () => {
  const org = await world.newOrg({ tokensPerDay: 4_000 });
  const ask = (n: number) => world.post(path, org.key, { model: "image", prompt, n });
  expect((await ask(5)).status).toBe(429);
  expect((await ask(4)).status).toBe(200);
  expect((await ask(1)).status).toBe(429);
  expect(await world.settled(org.id)).toMatchObject([{ units: 4 }]);
});

test("what nobody knows is ignored, and named", async () => {
  const { key } = await world.newOrg();
  const response = await world.post(path, key, { model: "image", prompt, num_inference_steps: 5_000, user: "me" });
  expect([response.status, response.headers.get("x-penstock-ignored")]).toEqual([200, "num_inference_steps"]);
});
