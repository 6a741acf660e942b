import { describe, expect, test } from "vitest";
import { answerJson, openStream, type Script } from "#test/support/fakes/fake-engine.ts";
import { eventsOf, readAnswer, textOfStream, until } from "#test/support/fakes/origin.ts";
import { openCallWorld } from "./world.ts";
import { readRecording } from "#test/support/recordings.ts";

/** How a real vLLM ended calls that did not end well (test/fixtures/vllm/README.md), as the agent reads it. */
interface RecordedEnd {
  request: { body: string };
  status: number | null;
  blocks: string[];
  tokensGenerated: number;
  wholeCallBeside: { status: number | null; body: string };
  probes: { path: string; status?: number; body: string }[];
}
const recorded = (name: string) => readRecording<RecordedEnd>(name);

const world = openCallWorld({ pingMs: 50, streamIdleMsMax: 300 });

/** Writes what was recorded, block by block, and ends the answer, or leaves it open as a socket that nobody closes. */
const replay =
  (blocks: string[], end: "ended" | "open"): Script =>
  async (response) => {
    openStream(response);
    for (const block of blocks) {
      response.write(block);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (end === "ended") response.end();
  };
const answerAs = ({ status, body }: { status?: number | null; body: string }): Script => {
  return (response) => answerJson(response, status ?? 0, body);
};

/** The call that was recorded, but for the model's name, which is the agent's to translate. */
function open({ request }: RecordedEnd) {
  return world.setup.open({ ...JSON.parse(request.body), model: "public" });
}

describe("a caller who leaves", () => {
  test("a stream is billed the tokens that vLLM had generated, and the engine is let go", async () => {
    const recording = recorded("abort-stream");
    world.engine.script = replay(recording.blocks, "open");
    const { request, answer, hold } = await open(recording);
    const response = await answer;
    let text = "";
    response.on("data", (bytes: Buffer) => void (text += bytes.toString())).on("error", () => undefined);
    await until(() => eventsOf(text).length === recording.blocks.length);
    request.destroy();
    expect(await world.readFinal(hold)).toMatchObject({
      outcome: "cancelled",
      promptTokens: 33,
      completionTokens: recording.tokensGenerated,
    });
    await until(() => world.engine.calls[0]?.isAborted === true);
  });

  test("a whole answer that has not come has its prompt reported, and the engine is let go", async () => {
    const recording = recorded("abort-whole");
    expect(recording).toMatchObject({ status: null, tokensGenerated: 310 });
    world.engine.script = () => undefined;
    world.engine.tokens = 33;
    const { request, hold } = await open(recording);
    request.on("error", () => undefined);
    await until(() => world.engine.calls.length === 1);
    request.destroy();
    const ofHold = () => world.setup.edge.records.filter((record) => record.hold === hold);
    await until(() => ofHold().length > 0);
    // Not final: a retry of the edge's on another node may still settle the hold.
    expect(ofHold()).toMatchObject([{ outcome: "cancelled", isFinal: false, promptTokens: 33, completionTokens: 0 }]);
    await until(() => world.engine.calls[0]?.isAborted === true);
  });
});

describe("an engine whose worker dies", () => {
  const recording = recorded("death-worker");

  test("ends a stream with an error event of ours and no [DONE]; the bill is what was made", async () => {
    world.engine.script = replay(recording.blocks, "ended");
    const { answer, hold } = await open(recording);
    const { text } = await readAnswer(await answer);
    const events = eventsOf(text);
    expect(JSON.parse(events.at(-1) ?? "")).toMatchObject({ error: { type: "server_error", code: "stream_broken" } });
    expect(events).not.toContain("[DONE]");
    expect(text).not.toContain("EngineCore");
    expect(textOfStream(text)).toBe("DownAnTogether are");
    expect(await world.readFinal(hold)).toMatchObject({ outcome: "failed", promptTokens: 33, completionTokens: 4 });
  });

  test("makes a whole call fail in our words, so that the edge may try another node", async () => {
    world.engine.script = answerAs(recording.wholeCallBeside);
    const { answer } = await open({ ...recording, request: recorded("abort-whole").request });
    const { status, text } = await readAnswer(await answer);
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ error: { code: "bad_gateway" } });
    expect(text).not.toContain("EngineCore");
  });
});

test("a server that falls silent with its socket open: the stream ends by the idle limit, as failed", async () => {
  const recording = recorded("death-server");
  world.engine.script = replay(recording.blocks, "open");
  const { answer, hold } = await open(recording);
  const { text } = await readAnswer(await answer);
  expect(JSON.parse(eventsOf(text).at(-1) ?? "")).toMatchObject({ error: { code: "stream_broken" } });
  expect(await world.readFinal(hold)).toMatchObject({ outcome: "failed", promptTokens: 33, completionTokens: 7 });
  await until(() => world.engine.calls[0]?.isAborted === true);
});

describe("a server that drains", () => {
  const recording = recorded("death-server-draining");

  test("finishes its stream, which is completed and billed to the last token", async () => {
    world.engine.script = replay(recording.blocks, "ended");
    const { answer, hold } = await open(recording);
    const { text } = await readAnswer(await answer);
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    expect(await world.readFinal(hold)).toMatchObject({
      outcome: "completed",
      promptTokens: 33,
      completionTokens: 400,
    });
  });

  test("finishes its whole call, which is completed and billed to the last token", async () => {
    world.engine.script = answerAs(recording.wholeCallBeside);
    const { answer, hold } = await open({ ...recording, request: recorded("abort-whole").request });
    expect((await readAnswer(await answer)).status).toBe(200);
    expect(await world.readFinal(hold)).toMatchObject({
      outcome: "completed",
      promptTokens: 33,
      completionTokens: 400,
    });
  });

  test("refuses new calls while /health says 200: each is a failure of the node, in our words", async () => {
    const refused = recording.probes.filter(({ path }) => path !== "/health");
    expect(recording.probes.filter(({ path, status }) => path === "/health" && status === 200)).toHaveLength(6);
    for (const probe of refused) {
      world.engine.script = answerAs(probe);
      const { answer } = await open(recording);
      const { status, text } = await readAnswer(await answer);
      expect(status).toBe(502);
      expect(JSON.parse(text)).toMatchObject({ error: { code: "bad_gateway" } });
      expect(text).not.toContain("futures");
    }
  });
});
