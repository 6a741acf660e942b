import { expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { responsesWire, writeErrorEvent, writeEvent } from "#edge/protocol/openai/responses/wire.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";

const headers = new Headers();
const translate = (json: unknown) => responsesWire.translate({ json, exact: null, headers });

test("refusals have OpenAI's envelope, with the names of this API's members", () => {
  const refusal = new Refusal("context_length_exceeded", { param: "messages", message: "'messages' is too long." });
  expect(responsesWire.buildError(refusal, "req_x")).toEqual({
    error: {
      message: "'input' is too long.",
      type: "invalid_request_error",
      param: "input",
      code: "context_length_exceeded",
    },
  });
  expect(responsesWire.readStatus(refusal)).toBe(400);
});

test("a member of a chat that was sent in error is named as it was sent", async () => {
  const refusal = await refusedBy(() => translate({ model: "chat", input: "x", max_tokens: 7 }));
  expect(responsesWire.buildError(refusal, "req_x")).toMatchObject({
    error: { param: "max_tokens", message: "'max_tokens' is not supported: use 'max_output_tokens'." },
  });
});

test("a stream that broke ends with an event of the type error, also within a line", () => {
  const refusal = new Refusal("stream_broken", { log: "secret" });
  const text = new TextDecoder().decode(responsesWire.stream.encodeError(refusal));
  expect(text).toMatch(/^\n\nevent: error\ndata: \{.*\}\n\n$/);
  expect(JSON.parse(text.slice(text.indexOf("{")))).toEqual({
    type: "error",
    code: "stream_broken",
    message: "The node failed in the middle of its answer.",
    param: null,
    sequence_number: 0,
  });
  expect(writeErrorEvent(refusal, 7)).toContain('"sequence_number":7');
  expect(writeEvent({ type: "response.created", a: 1 })).toBe(
    'event: response.created\ndata: {"type":"response.created","a":1}\n\n',
  );
});
