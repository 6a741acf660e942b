import { expect, test } from "vitest";
import { answerEarly } from "#edge/forwarding/early.ts";
import { isEarly, readCall, type Call } from "#edge/protocol/openai/call.ts";
import { viewOf } from "#test/support/fakes/fleet.ts";
import { chatModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const read = (body: object): Promise<Call> => readCall(visitOf(posted(body)), "ollama.chat", testModels);

test("a call that only loads is answered in JSON: the model's id, the visit's headers, what was ignored", async () => {
  const call = await read({ model: "chat", odd: 1 });
  if (!isEarly(call)) throw new TypeError("not early");
  const response = answerEarly(visitOf(), call, [viewOf("a").record]);
  expect(await response.json()).toMatchObject({ model: chatModel.id, created_at: new Date(startedAtMs).toISOString() });
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-request-id": "req_0000000000000000000000",
    "x-penstock-ignored": "odd",
  });
});

test("where no node serves the model it is refused, as any other call would be", async () => {
  const call = await read({ model: "chat" });
  if (!isEarly(call)) throw new TypeError("not early");
  const refusal = await expectRefusal(() => answerEarly(visitOf(), call, []), "no_healthy_backends");
  expect(refusal.details.retryAfterMs).toBe(1_000);
});

test("any other call is not", async () => {
  expect(isEarly(await read({ model: "chat", messages: [{ role: "user", content: "x" }] }))).toBe(false);
});
