import { expect, test } from "vitest";
import { shapes, writeOperation, writeRefused } from "#edge/doors/open-api/operations.ts";
import { answerExamples, requestExamples, streamExamples } from "#edge/doors/open-api/examples.ts";
import { answerSchemas, requestSchemas } from "#edge/doors/open-api/schemas.ts";
import { findRoute, routes } from "#edge/doors/routes.ts";

const chat = findRoute("/v1/chat/completions");
if (!chat) throw new RangeError("no chat");

test("every operation that callers reach outside the control plane has shapes, and no shapes stand idle", () => {
  const named = routes
    .filter(({ door }) => door === "calls" || door === "site")
    .flatMap(({ operations }) => Object.values(operations).map(({ operationId }) => operationId));
  expect(Object.keys(shapes).toSorted()).toEqual(named.toSorted());
});

test("a call documents its headers, its body, its whole answer and its stream", () => {
  const operation = writeOperation(chat, "POST", { operationId: "createChatCompletion", summary: "Chat" });
  expect(operation.parameters).toMatchObject([
    { name: "Idempotency-Key", in: "header" },
    { name: "x-penstock-timeout-ms" },
    { name: "x-penstock-wait-ms" },
    { name: "x-penstock-clamp" },
  ]);
  expect(operation.responses?.["200"]).toMatchObject({
    headers: { "x-penstock-hold": {}, "x-ratelimit-limit-requests": {} },
    content: { "application/json": {}, "text/event-stream": { schema: { type: "string" } } },
  });
});

test("an operation without known shapes is a fault, not a gap", () => {
  expect(() => writeOperation(chat, "POST", { operationId: "unheardOf", summary: "" })).toThrow("unheardOf");
});

test("refusals are listed by reference", () => {
  expect(writeRefused(chat, "POST")).toHaveProperty("429", { $ref: "#/components/responses/Refused429" });
});

test("every example is what its schema says", () => {
  for (const [operationId, { request, answer, stream }] of Object.entries(shapes)) {
    const sent = requestExamples[operationId];
    if (request && sent) expect(() => requestSchemas[request].parse(sent)).not.toThrow();
    const given = answerExamples[operationId];
    if (given) expect(() => answerSchemas[answer].parse(given)).not.toThrow();
    if (!stream) continue;
    const text = streamExamples[operationId] ?? "";
    if (operationId.startsWith("ollama")) {
      const lines = text.trimEnd().split("\n");
      expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ done: true });
      for (const line of lines) expect(() => answerSchemas[stream].parse(JSON.parse(line))).not.toThrow();
      continue;
    }
    const events = text.split("\n\n").filter((event) => event !== "");
    const payloads = events.map((event) => event.slice(event.indexOf("data: ") + 6));
    expect(payloads.at(-1)).toMatch(/^(\[DONE\]|{"type":"(message_stop"}|response\.completed))/);
    for (const payload of payloads.filter((one) => one !== "[DONE]"))
      expect(() => answerSchemas[stream].parse(JSON.parse(payload))).not.toThrow();
  }
});
