import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineClient } from "./engine-client.ts";
import { isListed, type EngineName } from "./engine-differences.ts";
import { promiseSampling, promiseStreams, promiseTokens, promiseWhole } from "./promise-answers.ts";
import { promiseForm } from "./promise-form.ts";
import { promiseOperation } from "./promise-operation.ts";
import { promiseRefusals } from "./promise-refusals.ts";
import type { Promised } from "./promise.ts";

/** An engine under test. `embeddingModel` may be served at another address, or not at all. */
export interface EngineUnderTest {
  url: string;
  model: string;
  embeddingModel: string | null;
  close?: () => Promise<void>;
}

/**
 * What Penstock's agent relies on, asserted over any engine that speaks vLLM's API. A promise that
 * `engine-differences.ts` lists for this engine must fail: the suite asserts the difference instead of stepping around
 * it.
 */
export function engineContract(engine: EngineName, open: () => Promise<EngineUnderTest>): void {
  describe(`an engine keeps its promises: ${engine}`, () => {
    let opened: EngineUnderTest;
    let client: EngineClient;
    beforeAll(async () => {
      opened = await open();
      client = new EngineClient(opened.url);
    });
    afterAll(() => opened.close?.());

    const promise: Promised = (sentence, keep) =>
      // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- both are the promise's own
      test(sentence, () => {
        const kept = keep({
          client,
          model: opened.model,
          ask: { model: opened.model, messages: [{ role: "user", content: "Hello, how are you?" }] },
          embeddingModel: opened.embeddingModel,
        });
        return isListed(engine, sentence) ? expectBroken(kept) : kept;
      });
    for (const [subject, make] of subjects) {
      // oxlint-disable-next-line vitest/valid-title -- the table below holds the titles
      describe(subject, () => {
        make(promise);
      });
    }
  });
}

async function expectBroken(kept: Promise<void>): Promise<void> {
  await expect(kept, "listed as a difference, but kept").rejects.toThrow();
}

const subjects: [subject: string, make: (promise: Promised) => void][] = [
  ["whole answers", promiseWhole],
  ["streams", promiseStreams],
  ["sampling", promiseSampling],
  ["tokens and cache", promiseTokens],
  ["form", promiseForm],
  ["refusals", promiseRefusals],
  ["operation", promiseOperation],
];
