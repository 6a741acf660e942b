import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeWav } from "#test/support/media/sound.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { windowOf, type World } from "#test/support/stack/world.ts";

/** Callers who leave, and engines that die, in the middle of sound and pictures: nothing stays held. */
let own: OwnStack;
let world: World;

beforeAll(async () => {
  own = await openOwnStack({ simulatorArgs: ["--step-ms", "50"] });
  world = own.world;
});
afterEach(() => world.clearFaults());
afterAll(() => own.close());

const speech = { model: "tts", input: "x".repeat(200), voice: "alloy", response_format: "pcm" };

function hear(key: string, seconds: number, signal?: AbortSignal) {
  const body = new FormData();
  body.append("model", "whisper");
  body.append("file", new File([makeWav({ seconds, rate: 1_000, bits: 8 })], "a.wav"));
  return fetch(`${world.place.edge}/v1/audio/transcriptions`, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${key}` },
    ...(signal && { signal }),
  });
}

async function endedAt(hold: string, msMax: number) {
  for (const endMs = Date.now() + msMax; Date.now() < endMs; await sleep(20)) {
    const [made] = await world.made(hold);
    if (made && made.outcome !== "open") return made;
  }
  throw new Error(`the engine was still at work after ${msMax} ms`);
}

/** The hold of the only call of an org, once the engine has read all of it. */
async function heldAt(org: string): Promise<string> {
  for (const endMs = Date.now() + 5_000; Date.now() < endMs; await sleep(20)) {
    const [open] = (await world.ledger(org)).openHolds;
    const [made] = open ? await world.made(open.hold) : [];
    if (made && made.model !== "" && made.outcome === "open") return open.hold;
  }
  throw new Error("the engine has no call");
}

async function expectFree(org: string) {
  const state = await world.ledger(org);
  expect([state.openHolds, windowOf(state, "tokensPerDay").held]).toEqual([[], 0]);
}

describe("an engine that dies", () => {
  test("in the middle of speech ends it with an error, never as if it were whole; nothing is billed", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", path: "/v1/audio/speech", afterBytes: 30_000, times: 1 });
    const response = await world.post("/v1/audio/speech", org.key, speech);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect(await world.settled(org.id)).toMatchObject([{ end: "failed", units: 0, promptTokens: 0, costMicros: 0 }]);
    await expectFree(org.id);
  });

  test("on one node is no matter: the other has the whole upload", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "status", path: "/v1/audio/transcriptions", status: 500, times: 1 }, 0);
    const response = await hear(org.key, 5);
    expect([response.status, await response.json()]).toMatchObject([200, { usage: { seconds: 5 } }]);
    expect(await world.settled(org.id)).toMatchObject([{ end: "completed", units: 5 }]);
  });

  test("before its first sound is no matter: another node speaks", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", path: "/v1/audio/speech", afterChunks: 0, times: 1 }, 0);
    const response = await world.post("/v1/audio/speech", org.key, speech);
    expect((await response.arrayBuffer()).byteLength).toBe(200 * 60 * 48);
    expect(await world.settled(org.id)).toMatchObject([{ end: "completed", units: 200 }]);
  });

  test("that answers speech with JSON is not believed", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "garbage", path: "/v1/audio/speech", body: '{"error":"x"}' });
    expect((await world.post("/v1/audio/speech", org.key, speech)).status).toBe(502);
    expect(await world.settled(org.id)).toEqual([]);
    await expectFree(org.id);
  });

  test.each(["/v1/audio/transcriptions", "/v1/images/generations"])("at %s on both nodes is a 502", async (path) => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", path, afterBytes: 10 });
    const asked =
      path === "/v1/images/generations"
        ? world.post(path, org.key, { model: "image", prompt: "x", n: 2 })
        : hear(org.key, 5);
    expect((await asked).status).toBe(502);
    expect(await world.settled(org.id)).toEqual([]);
    await expectFree(org.id);
  });
});

describe("a caller who leaves", () => {
  test("in the middle of speech stops the engine within a second, and pays what it was given to speak", async () => {
    const org = await world.newOrg({ concurrency: 1 });
    const leaving = new AbortController();
    const response = await world.post("/v1/audio/speech", org.key, speech, {}, leaving.signal);
    await response.body!.getReader().read();
    const [open] = (await world.ledger(org.id)).openHolds;
    const leftAtMs = Date.now();
    leaving.abort();
    const made = await endedAt(open.hold, 5_000);
    expect(made.outcome).toBe("cancelled");
    expect(made.endedAtMs! - leftAtMs).toBeLessThan(1_000);
    expect(await world.settled(org.id)).toMatchObject([{ end: "cancelled", units: 200, promptTokens: 200 }]);
    await expectFree(org.id);
  });

  test("before a transcript is there pays the seconds that the engine was given", async () => {
    const org = await world.newOrg();
    const leaving = new AbortController();
    const answer = hear(org.key, 600, leaving.signal);
    answer.catch(() => undefined);
    await heldAt(org.id);
    leaving.abort();
    expect(await world.settled(org.id)).toMatchObject([{ units: 600, promptTokens: 30_000 }]);
    await expectFree(org.id);
  });

  test("before pictures are there pays nothing: nobody knows how many were made", async () => {
    const org = await world.newOrg();
    const leaving = new AbortController();
    const answer = world.post(
      "/v1/images/generations",
      org.key,
      { model: "image", prompt: "x", n: 10 },
      {},
      leaving.signal,
    );
    answer.catch(() => undefined);
    const hold = await heldAt(org.id);
    leaving.abort();
    expect((await endedAt(hold, 5_000)).outcome).toBe("cancelled");
    expect(await world.settled(org.id)).toMatchObject([{ units: 0, promptTokens: 0, costMicros: 0 }]);
    await expectFree(org.id);
  });
});
