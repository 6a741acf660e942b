import { describe, expect, test } from "vitest";
import { UsageRecord } from "#edge/agreements/records/usage.ts";
import { openEngine } from "#origin/engines/http/client.ts";
import { prepareCall } from "#origin/calls/prepare.ts";
import { buildRecord, settlePrompt } from "#origin/calls/record.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { startFakeEngine } from "#test/support/fakes/fake-engine.ts";
import { hopClaims, saltKey } from "#test/support/fakes/origin.ts";

const claims = hopClaims({
  tokensHeld: Number.MAX_SAFE_INTEGER,
  completionTokensMax: Number.MAX_SAFE_INTEGER,
});
const bounds = {
  tokensHeld: Number.MAX_SAFE_INTEGER,
  completionTokensMax: Number.MAX_SAFE_INTEGER,
  choicesPerPrompt: 1,
  echoChunks: 0,
};

describe("a usage record", () => {
  test("is one by the agreement, even when the engine claims absurd counts under an absurd hold", () => {
    const meter = new UsageMeter(bounds);
    meter.noteTotal({
      prompt: Number.MAX_SAFE_INTEGER,
      completion: Number.MAX_SAFE_INTEGER,
      cached: Number.MAX_SAFE_INTEGER,
    });
    const record = buildRecord(
      { claims, meter, responseId: null, startedAtMs: 1, firstTokenAtMs: null },
      "completed",
      true,
      2,
    );
    expect(UsageRecord.parse(record)).toEqual(record);
  });

  test("shows the ticket that came with the call, if any did", () => {
    const account = { meter: new UsageMeter(bounds), responseId: null, startedAtMs: 1, firstTokenAtMs: null };
    const ticket = "T".repeat(22);
    for (const isFinal of [true, false])
      expect(buildRecord({ ...account, claims: { ...claims, ticket } }, "completed", isFinal, 2).ticket).toBe(ticket);
    expect(buildRecord({ ...account, claims }, "completed", true, 2)).not.toHaveProperty("ticket");
  });

  test.each([
    ["chat.completions", "chatcmpl-7"],
    ["responses", "resp_0123456789012345678901"],
    ["messages", "msg_0123456789012345678901"],
    ["ollama.chat", null],
    ["ollama.generate", null],
    ["ollama.embed", null],
  ] as const)("of %s has the id that the caller saw: %s, and none before there was an answer", (endpoint, shown) => {
    const own = { ...claims, endpoint, hold: "hold_0123456789012345678901" };
    const account = { claims: own, meter: new UsageMeter(bounds), startedAtMs: 1, firstTokenAtMs: null };
    const [begun, silent] = ["chatcmpl-7", null].map((responseId) => ({ ...account, responseId }));
    for (const isFinal of [true, false]) {
      expect(begun && buildRecord(begun, "completed", isFinal, 2).responseId).toBe(shown);
      expect(silent && buildRecord(silent, "failed", isFinal, 2).responseId).toBeNull();
    }
  });

  test("has its prompt counted if the engine did not, guessed only if something was generated, else 0", async () => {
    const fake = await startFakeEngine();
    for (const [kind, hasContent, expected] of [
      ["vllm", false, 7],
      ["openai", true, 10],
      ["openai", false, null],
    ] as const) {
      const engine = openEngine({ kind, url: fake.url, models: { public: "own" } });
      const prepared = prepareCall({
        body: Buffer.from('{"messages":[{"role":"user","content":"abcdefg"}]}'),
        path: "/v1/chat/completions",
        claims,
        engine,
        cacheSaltKey: saltKey,
      });
      const meter = new UsageMeter(bounds);
      if (hasContent) meter.noteContent();
      await settlePrompt(meter, engine, prepared);
      expect(meter.read().promptTokens).toBe(expected);
      engine.close();
    }
    await fake.close();
  });
});
