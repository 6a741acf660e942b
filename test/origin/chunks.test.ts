import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { billedUsage, Chunks, hasContent, isError, type ChunkOptions } from "#origin/chunks.ts";
import { Frames } from "#origin/frames.ts";
import { Tally } from "#origin/tally.ts";

const folder = join(import.meta.dirname, "../fixtures/vllm");
interface Recorded {
  request: { path: string; body: string };
  status: number;
  blocks: string[];
}
const streams = readdirSync(folder)
  .filter((name) => /^(?:chat|completions)-stream.*\.json$/.test(name))
  .map((name): [string, Recorded] => [name.replace(".json", ""), JSON.parse(readFileSync(join(folder, name), "utf8"))])
  .filter(([, recorded]) => recorded.status === 200 && Array.isArray(recorded.blocks));

function replay(recorded: Recorded, over: Partial<ChunkOptions> = {}) {
  const body = JSON.parse(recorded.request.body);
  const prompts = Array.isArray(body.prompt) && typeof body.prompt[0] !== "number" ? body.prompt.length : 1;
  const choices = (body.n ?? 1) * prompts;
  const tally = new Tally({ tokensHeld: 1e6, completionTokensMax: 1e5, choicesPerPrompt: body.n ?? 1, echoChunks: body.echo ? choices : 0 });
  const chunks = new Chunks(tally, { model: "public/é", choices, wantsUsage: false, wantsContinuousUsage: false, hasContinuousUsage: true, ...over });
  const payloads = new Frames().push(Buffer.from(recorded.blocks.join("")).toString("latin1")).filter((payload) => payload !== "[DONE]");
  const passed = payloads.map((payload) => chunks.read(payload));
  const sent = passed.filter((payload) => payload !== null && payload !== "").map((payload) => JSON.parse(Buffer.from(payload ?? "", "latin1").toString("utf8")));
  const originals = payloads.map((payload) => JSON.parse(Buffer.from(payload, "latin1").toString("utf8")));
  return { tally, chunks, passed, sent, originals };
}

describe("every stream recorded from vLLM 0.32", () => {
  test.each(streams)("%s passes unchanged but for the model's name and usage", (_, recorded) => {
    const { sent, originals, passed, chunks } = replay(recorded);
    expect(passed).not.toContain(null);
    const expected = originals
      .filter(({ choices }) => choices.length > 0)
      .map(({ usage: _usage, ...rest }) => ({ ...rest, model: "public/é" }));
    expect(sent).toEqual(expected);
    expect(chunks.hasFinished).toBe(true);
    expect(chunks.responseId).toBe(originals[0].id);
  });

  test.each(streams)("%s keeps everything for a caller who asked for usage on every chunk", (_, recorded) => {
    const { sent, originals } = replay(recorded, { wantsUsage: true, wantsContinuousUsage: true });
    expect(sent).toEqual(originals.map((original) => ({ ...original, model: "public/é" })));
  });

  test.each(streams.filter(([, { blocks }]) => blocks.at(-2)?.includes('"choices":[],"usage"')))("%s is counted as vLLM counts it in the end, also when its last chunk is lost", (_, recorded) => {
    const { tally, originals } = replay(recorded);
    const { prompt_tokens, completion_tokens } = originals.at(-1).usage;
    expect(tally.read()).toMatchObject({ promptTokens: prompt_tokens, completionTokens: completion_tokens });
    if (!recorded.request.body.includes("continuous_usage_stats")) return;
    const cut = replay({ ...recorded, blocks: recorded.blocks.slice(0, -2) });
    expect(cut.tally.read()).toMatchObject({ promptTokens: prompt_tokens, completionTokens: completion_tokens });
  });

  test("the error event of a dying engine is no chunk, and what came before it is counted", () => {
    const [, recorded] = streams.find(([name]) => name === "chat-stream-usage-continuous") ?? ["", { request: { path: "", body: "{}" }, status: 200, blocks: [] }];
    const error = 'data: {"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "param": null, "code": 500}}\n\n';
    const { passed, tally } = replay({ ...recorded, blocks: [...recorded.blocks.slice(0, 5), error] });
    expect(passed.at(-1)).toBeNull();
    expect(tally.read()).toMatchObject({ promptTokens: 33, completionTokens: 4 });
  });
});

test("what an error looks like", () => {
  expect([isError({ error: {} }), isError({ object: "error" }), isError({ error: null }), isError({ object: "chat.completion.chunk" })]).toEqual([true, true, false, false]);
});

test("content is text, reasoning or a tool call, in a delta, a message or a plain choice", () => {
  const full = [{ delta: { content: "x" } }, { message: { reasoning: "x" } }, { text: "x" }, { delta: { tool_calls: [{}] } }, { message: { function_call: {} } }];
  const empty = [{ delta: { role: "assistant", content: "" } }, { text: "" }, { delta: { content: null } }, { message: { tool_calls: [] } }, {}];
  expect(full.map(hasContent)).toEqual(full.map(() => true));
  expect(empty.map(hasContent)).toEqual(empty.map(() => false));
});

test("usage shown is usage billed", () => {
  const tally = new Tally({ tokensHeld: 10, completionTokensMax: 4, choicesPerPrompt: 1, echoChunks: 0 });
  tally.noteTotal({ prompt: 500, completion: 500, cached: null });
  expect(billedUsage(tally)).toEqual({ prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 });
});
