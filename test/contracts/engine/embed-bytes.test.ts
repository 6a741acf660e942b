import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCall } from "#edge/protocol/openai/call.ts";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import { setUp, type Setup } from "#test/support/fakes/origin.ts";
import { modelOf } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";
import { readRecording } from "#test/support/recordings.ts";

interface RecordedBytes {
  request: { body: string };
  status: number;
  headers: Record<string, string>;
  bodyBase64: string;
}
const recording = readRecording<RecordedBytes>("embed-bytes");
const asked: Record<string, unknown> = JSON.parse(recording.request.body);

/** vLLM has a third form of embeddings, raw floats beside a header; neither half of ours takes part in it. */
describe("embeddings as bytes", () => {
  let engine: FakeEngine;
  let setup: Setup;
  beforeAll(async () => {
    engine = await startFakeEngine();
    setup = await setUp(engine.url);
  });
  afterAll(async () => {
    await setup.stop();
    await engine.close();
  });

  test("are refused by name at the edge, though vLLM would answer them", async () => {
    expect(recording.status).toBe(200);
    const models = [modelOf({ id: String(asked["model"]), endpoints: ["embeddings"] })];
    await expectRefusal(
      () => readCall(visitOf(posted(asked)), "embeddings", models),
      "invalid_value",
      "encoding_format",
    );
  });

  test("that an engine sends unrequested are a bad gateway at the agent, and no byte passes", async () => {
    const bytes = Buffer.from(recording.bodyBase64, "base64");
    engine.script = (response) => void response.writeHead(200, bytesHeaders()).end(bytes);
    const claims = { endpoint: "embeddings", completionTokensMax: 0 } as const;
    const { status, text } = await setup.call({ input: "abc", messages: undefined }, claims, "/v1/embeddings");
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ error: { code: "bad_gateway" } });
  });
});

/** The answer's headers as they were, but for those that belong to the connection. */
function bytesHeaders(): Record<string, string> {
  const { metadata = "", "content-type": type = "" } = recording.headers;
  return { metadata, "content-type": type };
}
