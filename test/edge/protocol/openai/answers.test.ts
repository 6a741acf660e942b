import { describe, expect, test } from "vitest";
import type { z } from "zod";
import * as answers from "#edge/protocol/openai/answers.ts";
import { readRecordings } from "#test/support/recordings.ts";

interface Recording {
  request?: { path: string; body?: string };
  status?: number;
  body?: string;
  blocks?: string[];
}

const byPath: Record<string, { whole: z.ZodType; chunk: z.ZodType | null }> = {
  "/v1/chat/completions": { whole: answers.ChatCompletion, chunk: answers.ChatCompletionChunk },
  "/v1/completions": { whole: answers.TextCompletion, chunk: answers.TextCompletionChunk },
  "/v1/embeddings": { whole: answers.EmbeddingList, chunk: null },
};
/** One ends in an error event, which is told as such; of the others bytes are answered, which we do not pass on. */
const notAnswers = ["embed-bytes"];

const recorded = readRecordings<Recording>().flatMap(([name, { request, status, body, blocks }]) => {
  const shapes = byPath[request?.path ?? ""];
  return shapes && status === 200 && !notAnswers.includes(name) ? [{ name, shapes, body, blocks }] : [];
});

describe("the answers of real engines fit the schemas in the document", () => {
  test("whole answers", () => {
    const whole = recorded.filter(({ body }) => body?.startsWith("{"));
    expect(whole.length).toBeGreaterThan(60);
    for (const { name, shapes, body } of whole) {
      const parsed = shapes.whole.safeParse(JSON.parse(body ?? ""));
      expect([name, parsed.error?.issues]).toEqual([name, undefined]);
      expect(parsed.data).toEqual(JSON.parse(body ?? ""));
    }
  });

  test("every chunk of every stream", () => {
    let chunks = 0;
    for (const { name, shapes, blocks } of recorded) {
      for (const block of blocks ?? []) {
        if (!block.startsWith("data: {") || block.startsWith('data: {"error"')) continue;
        chunks += 1;
        const parsed = shapes.chunk?.safeParse(JSON.parse(block.slice(6)));
        expect([name, parsed?.error?.issues]).toEqual([name, undefined]);
      }
    }
    expect(chunks).toBeGreaterThan(200);
  });
});

test("what is no answer does not fit", () => {
  for (const { whole, chunk } of Object.values(byPath)) {
    expect(whole.safeParse({ error: { message: "no" } }).success).toBe(false);
    expect(chunk?.safeParse({ choices: [] }).success ?? false).toBe(false);
  }
});
