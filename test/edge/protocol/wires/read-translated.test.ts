import { expect, test } from "vitest";
import { answerMember } from "#edge/agreements/paths.ts";
import { readTranslated } from "#edge/protocol/wires/read-translated.ts";
import { chatModel } from "#test/support/fakes/models.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";

const chat = { model: chatModel.id, messages: [{ role: "user", content: "hi" }] };
const rename = (param: string) => param.replace("messages", "input").replace("max_tokens", "max_output_tokens");
const read = (json: unknown, answer: Record<string, unknown> | null = null) =>
  readTranslated("chat.completions", { json, exact: null, answer, rename }, [chatModel]);

test("what the answer repeats travels in a member of its own, and only where there is something", () => {
  expect(read(chat).body).not.toHaveProperty(answerMember);
  expect(read(chat, { a: 1 }).body).toMatchObject({ model: chatModel.id, [answerMember]: { a: 1 } });
});

test("a member is named as the caller named it, by its own fault and by what is too long", async () => {
  expect(await refusedBy(() => read({ ...chat, messages: [{ content: "a" }] }))).toMatchObject({
    details: { param: "input[0].role" },
  });
  expect(await refusedBy(() => read({ ...chat, max_tokens: chatModel.contextTokensMax + 1 }))).toMatchObject({
    code: "context_length_exceeded",
    details: { param: "max_output_tokens", about: { id: chatModel.id } },
  });
});
