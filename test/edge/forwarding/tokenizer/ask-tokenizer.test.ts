import { describe, expect, test } from "vitest";
import type { TokenizerQuestion } from "#edge/protocol/tokenizer/question.ts";
import type { NodeRecord } from "#edge/agreements/records/node.ts";
import type { JsonObject } from "#edge/agreements/json.ts";
import type { Visit } from "#edge/visit.ts";
import type { Call } from "#edge/protocol/openai/call.ts";
import { readTokenizerCall } from "#edge/protocol/tokenizer/call.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";
import { agentError, answering, deadNode, hangingUp, openNode, watching } from "#test/support/stack/node.ts";
import { digestOf, originOf, readHop, reserved, type Origin } from "../world.ts";

interface Forwarding {
  askTokenizer(
    visit: Visit,
    held: { call: Call; reserved: object; nodes: NodeRecord[] },
    question: TokenizerQuestion,
    origin: Origin,
  ): Promise<JsonObject>;
}
const path: string = "#edge/forwarding/index.ts";
const { askTokenizer } = (await import(path)) as Forwarding;

const held = { ...reserved, tokensHeld: 0, completionTokens: 0, boundFactor: 1 };
async function ask(nodes: NodeRecord[], over: Partial<Origin> = {}) {
  const visit = visitOf(posted({ model: "chat", tokens: [1, 2] }));
  const source = { models: testModels, sender: { org: "", key: "" }, readScopes: async () => [] };
  const { call, question } = await readTokenizerCall(visit, "detokenize", source);
  return askTokenizer(visit, { call, reserved: held, nodes }, question, originOf(over));
}
const noTokenizer = answering(400, agentError("unsupported_parameter", "No engine has one.", "model"));

describe("asking a tokenizer", () => {
  test("asks the best node, under a token for that question that holds nothing", async () => {
    await using node = await openNode("a", answering(200, { prompt: "Hi" }));
    const { watch: observer, seen } = watching();
    expect(await ask([node.record], { observer })).toEqual({ prompt: "Hi" });
    const [request] = node.asked;
    expect([request?.url, JSON.parse(String(request?.body))]).toEqual(["/tokenizer/text", { tokens: [1, 2] }]);
    const claims = readHop("node_a", request?.headers ?? {});
    expect(claims).toMatchObject({
      endpoint: "completions",
      model: testModels[0]?.id,
      attempt: 1,
      issuedAtMs: startedAtMs,
      tokensHeld: 0,
      completionTokensMax: 0,
      bodySha256: digestOf(request?.body ?? new Uint8Array()),
    });
    expect(claims).not.toHaveProperty("ticket");
    expect(seen).toEqual(["began a", "saw a answered", "ended a"]);
  });

  test.each([
    ["hangs up", hangingUp],
    ["is saturated", answering(503, agentError("server_is_overloaded"))],
    ["answers nonsense", answering(200, { prompt: 7 })],
    ["answers no JSON", answering(200, "<html>")],
    ["has no tokenizer", noTokenizer],
  ])("asks the next node where the first %s", async (_, behave) => {
    await using first = await openNode("a", behave);
    await using second = await openNode("b", answering(200, { prompt: "Hi" }));
    expect(await ask([first.record, second.record])).toEqual({ prompt: "Hi" });
    expect(readHop("node_b", second.asked[0]?.headers ?? {})).toMatchObject({ attempt: 2 });
  });

  test("goes on without the retry budget only where a node lacks the tokenizer", async () => {
    const budget = { countCall: () => undefined, takeRetry: () => false };
    await using without = await openNode("a", noTokenizer);
    await using sound = await openNode("b", answering(200, { prompt: "Hi" }));
    expect(await ask([without.record, sound.record], { budget })).toEqual({ prompt: "Hi" });
    await expectRefusal(async () => ask([await deadNode("a"), sound.record], { budget }), "no_healthy_backends");
  });

  test("ends with the last refusal: what the caller did wrong at once, three nodes at most", async () => {
    await using wrong = await openNode("a", answering(400, agentError("invalid_value", "Not this.", "prompt")));
    await using other = await openNode("b", answering(200, { prompt: "Hi" }));
    await expectRefusal(() => ask([wrong.record, other.record]), "invalid_value", "prompt");
    expect(other.asked).toEqual([]);
    await using without = await openNode("c", noTokenizer);
    const { record } = without;
    await expectRefusal(() => ask([record, record, record, other.record]), "unsupported_parameter", "model");
    expect([without.asked.length, other.asked.length]).toEqual([3, 0]);
    await expectRefusal(() => ask([]), "no_healthy_backends");
  });
});
