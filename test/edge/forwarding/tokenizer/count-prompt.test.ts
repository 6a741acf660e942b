import { describe, expect, test, vi } from "vitest";
import type { Call } from "#edge/protocol/openai/call.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { answering, hangingUp, openNode, silent, watching, type Behaviour } from "#test/support/stack/node.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";
import { callOf, chatCall, countPrompt, digestOf, originOf, readHop, reserved } from "../world.ts";

describe("counting a prompt", () => {
  const completion = (body: Record<string, unknown>) =>
    callOf("completions", { model: "chat", prompt: "a long prompt", ...body });
  async function counted(call: Call, behave: Behaviour = answering(200, { count: 47 })) {
    await using node = await openNode("a", behave);
    const { watch: observer, seen } = watching();
    const count = await countPrompt(
      visitOf(),
      { call, reserved: { ...reserved, tokensHeld: 0, completionTokens: 0 }, nodes: [node.record] },
      originOf({ observer }),
    );
    const [asked] = node.asked;
    return { count, seen, asked, question: asked ? JSON.parse(String(asked.body)) : null };
  }

  test("asks the node's /tokenize with the messages and tools, under a token for that question", async () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    const { count, asked, question, seen } = await counted(await chatCall({ tools }));
    expect([count, asked?.url]).toEqual([47, "/tokenize"]);
    expect(question).toEqual({ model: testModels[0]?.id, messages: [{ role: "user", content: "é" }], tools });
    const claims = readHop("node_a", asked?.headers ?? {});
    expect(claims).toMatchObject({
      issuedAtMs: startedAtMs,
      tokensHeld: 0,
      completionTokensMax: 0,
      bodySha256: digestOf(asked?.body ?? new Uint8Array()),
    });
    // Whoever counts for a call has no part in its hold.
    expect(claims).not.toHaveProperty("ticket");
    expect(seen).toEqual(["began a", "saw a answered", "ended a"]);
  });

  test("ends with the call's own deadline, and says that it was that", async () => {
    const call = await chatCall();
    const timeout = { ms: 100, header: "x-penstock-timeout-ms" };
    const late = counted({ ...call, deadlineMs: startedAtMs + 100, timeout }, silent);
    await expect(late).rejects.toMatchObject({
      code: "gateway_timeout",
      details: { event: "deadline_passed", mayRetry: false, message: expect.stringContaining("100 ms, set by") },
    });
  });

  test("leaves no listener on a signal that outlives it: an isolate counts many prompts", async () => {
    const listening = vi.spyOn(EventTarget.prototype, "addEventListener");
    const collectSignals = async () => {
      listening.mockClear();
      expect((await counted(await completion({}))).count).toBe(47);
      return new Set(listening.mock.contexts.filter((target) => target instanceof AbortSignal));
    };
    const [first, second] = [await collectSignals(), await collectSignals()];
    listening.mockRestore();
    expect(Array.from(first).filter((signal) => second.has(signal))).toEqual([]);
  });

  test("sends a completion's prompt, whatever `messages` stand beside it: none may hide a long prompt", async () => {
    expect((await counted(await completion({}))).question).toEqual({
      model: testModels[0]?.id,
      prompt: "a long prompt",
    });
    const { question } = await counted(await completion({ messages: [{ role: "user", content: "x" }] }));
    expect(question === null || question.prompt === "a long prompt").toBe(true);
    expect(question ?? {}).not.toHaveProperty("messages");
  });

  for (const [name, over] of [
    ["documents", { documents: [{ text: "x".repeat(5_000) }] }],
    ["chat_template_kwargs", { chat_template_kwargs: { builtin_tools: "x".repeat(1_000) } }],
  ] as const) {
    test(`leaves nothing out that the template prints: with '${name}' it asks with them, or not at all`, async () => {
      const { count, question } = await counted(await chatCall(over));
      expect(count === null ? over : question).toMatchObject(over);
    });
  }

  for (const [name, over] of [
    ["response_format", { response_format: { type: "json_schema", json_schema: { description: "x".repeat(500) } } }],
    ["suffix", { suffix: "x".repeat(500) }],
  ] as const) {
    test(`adds the bound of '${name}', which the node does not count`, async () => {
      const { count } = await counted(await (name === "suffix" ? completion(over) : chatCall(over)));
      expect(count).toBeGreaterThanOrEqual(47 + 500);
      expect(count).toBeLessThan(47 + 700);
    });
  }

  test("does not count a prompt with images, which take far more tokens than their place in the text", async () => {
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    expect((await counted(await chatCall({ messages: [{ role: "user", content: [image] }] }))).count).toBeNull();
  });

  test("asks with the one input of an embedding", async () => {
    const { question } = await counted(
      await callOf("embeddings", {
        model: "embed",
        input: "x",
        messages: [{ role: "user", content: "y" }],
        prompt: "z",
      }),
    );
    expect(question).toEqual({ model: "BAAI/bge-m3", prompt: "x" });
  });

  test("does not ask about several prompts, ids or inputs, nor when there is no node", async () => {
    const inputs = (input: unknown) => callOf("embeddings", { model: "embed", input });
    for (const call of [
      await completion({ prompt: ["a", "b"] }),
      await completion({ prompt: [1, 2] }),
      await inputs(["x", "y"]),
      await inputs([1, 2]),
    ])
      expect((await counted(call)).asked).toBeUndefined();
    expect(await countPrompt(visitOf(), { call: await chatCall(), reserved, nodes: [] }, originOf())).toBeNull();
  });

  const useless: [string, Behaviour][] = [
    ["a no", answering(503)],
    ["a hang-up", hangingUp],
    ["no JSON", answering(200, "forty")],
    ["no count", answering(200, { tokens: [1] })],
    ["null", answering(200, "null")],
    ...["47", -1, 1.5, 2 ** 53, null, true, [47]].map((count): [string, Behaviour] => [
      `a count of ${JSON.stringify(count)}`,
      answering(200, { count }),
    ]),
  ];
  for (const [name, behave] of useless) {
    test(`${name} is no count, and the attempt is over`, async () => {
      const { count, seen } = await counted(await chatCall(), behave);
      expect([count, seen.at(-1)]).toEqual([null, "ended a"]);
    });
  }

  test("waits two seconds at most", async () => {
    const start = performance.now();
    expect((await counted(await chatCall(), silent)).count).toBeNull();
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});
