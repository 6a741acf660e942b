import { expect, test } from "vitest";
import type { Ending } from "#origin/calls/stream/stream-answer.ts";
import { passSound, type SoundParts } from "#origin/calls/media/pass-sound.ts";

/** An engine's answer and a caller's connection that a test leads by hand. */
function openParts(idleMsMax = 1_000) {
  const seen = { text: "", isPaused: false, isDestroyed: false };
  const controller = new AbortController();
  const held: { listener: Parameters<SoundParts["engineAnswer"]["listen"]>[0] | null; isFull: boolean } = {
    listener: null,
    isFull: false,
  };
  const engineAnswer = {
    get isPaused() {
      return seen.isPaused;
    },
    listen: (listener: NonNullable<typeof held.listener>) => void (held.listener = listener),
    pause: () => void (seen.isPaused = true),
    resume: () => void (seen.isPaused = false),
    destroy: () => void (seen.isDestroyed = true),
  };
  const writer = {
    write: (text: string) => {
      seen.text += text;
      return !held.isFull;
    },
    isFull: false,
    onDrain: () => {},
  };
  const parts = { engineAnswer, writer, idleMsMax, signal: controller.signal } as unknown as SoundParts;
  return { parts, seen, held, controller, writer };
}

test("sound passes, waits for a slow reader, and ends whole", async () => {
  const { parts, seen, held, writer } = openParts();
  const ended = passSound(parts);
  held.listener?.text("a");
  held.isFull = true;
  held.listener?.text("b");
  expect(seen).toEqual({ text: "ab", isPaused: true, isDestroyed: false });
  writer.onDrain();
  expect(seen.isPaused).toBe(false);
  held.listener?.end(true);
  expect(await ended).toEqual({ outcome: "completed", refusal: null });
  expect(seen.isDestroyed).toBe(false);
});

test("what breaks off has failed", async () => {
  const { parts, seen, held } = openParts();
  const ended = passSound(parts);
  held.listener?.end(false);
  expect(await ended).toMatchObject({ outcome: "failed", refusal: { code: "stream_broken" } });
  expect(seen.isDestroyed).toBe(true);
});

test("an engine may be silent while its reader is slow, and not otherwise", async () => {
  const { parts, seen } = openParts(30);
  const ended = passSound(parts);
  seen.isPaused = true;
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(seen.isDestroyed).toBe(false);
  seen.isPaused = false;
  expect(await ended).toMatchObject({ outcome: "failed", refusal: { message: "engine_idle" } });
});

test("whoever has left, or leaves, ends it as they say", async () => {
  const ending: Ending = { outcome: "cancelled", refusal: null };
  const early = openParts();
  early.controller.abort(ending);
  expect(await passSound(early.parts)).toEqual(ending);
  const late = openParts();
  const ended = passSound(late.parts);
  late.controller.abort(ending);
  expect(await ended).toEqual(ending);
  expect([early.seen.isDestroyed, late.seen.isDestroyed]).toEqual([true, true]);
});
