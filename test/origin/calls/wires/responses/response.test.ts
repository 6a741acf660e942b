import { expect, test } from "vitest";
import { Response } from "#edge/protocol/openai/responses/answers.ts";
import { Refusal } from "#edge/errors.ts";
import { buildResponse, nameResponse, readEndStatus } from "#origin/calls/wires/responses/response.ts";
import { contextOf } from "./world.ts";

test("a response tells what was asked, what came of it and what is billed", () => {
  const asked = {
    instructions: "Be brief.",
    temperature: 0.5,
    tools: [{ type: "function", name: "f" }],
    text: { verbosity: "low" },
    reasoning: { effort: "low" },
    metadata: { a: "b" },
  };
  const context = contextOf(asked);
  const response = buildResponse(context, { status: "completed", output: [], finish: "stop" });
  expect(() => Response.parse(response)).not.toThrow();
  expect(response).toMatchObject({
    ...asked,
    id: nameResponse(context),
    created_at: 1_790_000_000,
    completed_at: 1_790_000_005,
    model: "public/name",
    status: "completed",
    incomplete_details: null,
    error: null,
    store: false,
    reasoning: { effort: "low", summary: null },
    text: { format: { type: "text" }, verbosity: "low" },
    usage: {
      input_tokens: 7,
      input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 12,
    },
  });
});

test("what the caller left to the engine is null, and while an answer is made nothing is billed", () => {
  const response = buildResponse(contextOf(), { status: "in_progress", output: [] });
  expect(() => Response.parse(response)).not.toThrow();
  expect(response).toMatchObject({ temperature: null, top_p: null, tools: [], tool_choice: "auto", usage: null });
  expect(response).not.toHaveProperty("completed_at");
});

test("an answer that was cut short says why; one that failed says so in words that are ours", () => {
  const cut = (finish: string) =>
    buildResponse(contextOf(), { status: readEndStatus(finish), output: [], finish })["incomplete_details"];
  expect(["length", "content_filter", "stop", "tool_calls"].map(cut)).toEqual([
    { reason: "max_output_tokens" },
    { reason: "content_filter" },
    null,
    null,
  ]);
  expect(readEndStatus(null)).toBe("completed");
  const refusal = new Refusal("stream_broken", { log: "secret" });
  const failed = buildResponse(contextOf(), { status: "failed", output: [], refusal });
  expect(failed).toMatchObject({
    status: "failed",
    error: { code: "server_error", message: "The node failed in the middle of its answer." },
    usage: { total_tokens: 12 },
  });
  expect(JSON.stringify(failed)).not.toContain("secret");
  const unmade = contextOf({}, { prompt: 7, cached: 0, completion: 0, reasoning: 0 });
  expect(buildResponse(unmade, { status: "failed", output: [], refusal })["usage"]).toBeNull();
});

test("whether it is to be stored, and what it goes on from, is as the edge says", () => {
  const told = { store: true, previous_response_id: "resp_0000000000000000000001" };
  expect(buildResponse(contextOf(told), { status: "in_progress", output: [] })).toMatchObject(told);
  expect(buildResponse(contextOf(), { status: "in_progress", output: [] })).toMatchObject({
    store: false,
    previous_response_id: null,
  });
});
