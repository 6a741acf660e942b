import { describe, expect, test } from "vitest";
import { z } from "zod";
import { tokenizedBytesMax, tokenizerMsMax } from "#edge/limits.ts";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { makeQuestionCall, readQuestionBody, refuseUncountable, writeBy } from "#edge/protocol/tokenizer/question.ts";
import { chatModel } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const subject = {
  endpoint: "messages",
  model: chatModel,
  named: { name: "chat", id: chatModel.id },
  ignored: new IgnoredMembers(),
} as const;
const make = (headers: Record<string, string> = {}) => makeQuestionCall(visitOf(posted({}, headers)), subject);
const nobody = { org: "", key: "" };

describe("the call that a question is", () => {
  test("holds nothing, generates nothing, and goes where its endpoint's calls go", () => {
    expect(make()).toMatchObject({
      path: "/v1/chat/completions",
      endpoint: "messages",
      model: chatModel,
      promptTokensMax: 0,
      promptTokensGuess: 0,
      completionTokens: 0,
      choices: 0,
      isStream: false,
      idempotency: null,
    });
  });

  test("ends by its caller's deadline, and after half a minute at the latest", () => {
    expect(make().deadlineMs).toBe(startedAtMs + tokenizerMsMax);
    expect(make().timeout).toEqual({ ms: tokenizerMsMax, header: null });
    expect(make({ "x-penstock-timeout-ms": "900000" }).deadlineMs).toBe(startedAtMs + tokenizerMsMax);
    const own = make({ "x-penstock-timeout-ms": "250" });
    expect([own.deadlineMs, own.timeout]).toEqual([startedAtMs + 250, { ms: 250, header: "x-penstock-timeout-ms" }]);
  });
});

describe("a question's body", () => {
  test("is an object, and small", async () => {
    const read = (body: unknown) => readQuestionBody(visitOf(posted(body)), nobody);
    expect((await read({ prompt: "x" })).json).toEqual({ prompt: "x" });
    await expectRefusal(() => read([1]), "invalid_value");
    const filler = tokenizedBytesMax - JSON.stringify({ prompt: "" }).length;
    expect((await read({ prompt: "x".repeat(filler) })).bytes).toHaveLength(tokenizedBytesMax);
    await expectRefusal(() => read({ prompt: "x".repeat(filler + 1) }), "request_too_large");
  });
});

test("what no tokenizer counts is refused by name", async () => {
  expect(() => refuseUncountable({ hasImages: false, body: {} })).not.toThrow();
  await expectRefusal(() => refuseUncountable({ hasImages: true, body: {} }), "unsupported_parameter", "messages");
  const body = { documents: [] };
  await expectRefusal(() => refuseUncountable({ hasImages: false, body }), "unsupported_parameter", "documents");
});

test("an answer is read before it is written, and what makes no sense is nothing", () => {
  const write = writeBy(z.object({ count: z.int() }), ({ count }) => ({ twice: count * 2 }));
  expect(write({ count: 2, more: true })).toEqual({ twice: 4 });
  expect(write({ count: "2" })).toBeNull();
});
