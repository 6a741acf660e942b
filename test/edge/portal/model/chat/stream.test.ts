import { expect, test } from "vitest";
import { readChat, type ChatPart } from "#edge/portal/model/chat/stream.ts";

async function collect(...pieces: string[]): Promise<ChatPart[]> {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
  return Array.fromAsync(readChat(body));
}
const chunk = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

test("text, thoughts, the finish, usage and the end come as parts, however the bytes are cut", async () => {
  const wire = [
    ": keep-alive\n\n",
    chunk({ choices: [{ delta: { role: "assistant", content: "" } }] }),
    chunk({ choices: [{ delta: { reasoning_content: "hm" } }] }),
    chunk({ choices: [{ delta: { content: "Grüße 🌊" }, finish_reason: "stop" }] }),
    chunk({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 1 } },
    }),
    "data: [DONE]\n\n",
  ].join("");
  const parts: ChatPart[] = [
    { kind: "thought", text: "hm" },
    { kind: "text", text: "Grüße 🌊" },
    { kind: "finish", reason: "stop" },
    { kind: "usage", promptTokens: 3, completionTokens: 2, cachedTokens: 1 },
    { kind: "done" },
  ];
  expect(await collect(wire)).toEqual(parts);
  const bytes = new TextEncoder().encode(wire);
  const single = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  expect(await Array.fromAsync(readChat(single))).toEqual(parts);
});

test("a stream that breaks has its error and no end; what is no JSON is passed over", async () => {
  const broken = await collect(
    chunk({ choices: [{ delta: { content: "a" } }] }),
    chunk({ error: { message: "gone" } }),
  );
  expect(broken).toEqual([
    { kind: "text", text: "a" },
    { kind: "failure", message: "gone" },
  ]);
  expect(await collect("data: {nonsense\n\n", 'data: {"choices":[{"delta":{"content":"cut')).toEqual([]);
});
