import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { makeHop } from "#edge/agreements/tokens/hop.ts";
import type { UploadedFile } from "#edge/protocol/media/upload.ts";
import { writeForm } from "#edge/protocol/media/write-form.ts";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll } from "vitest";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import { hopClaims, readAnswer, setUp, sha256, until, type Setup } from "#test/support/fakes/origin.ts";

/** What is asked of an agent: JSON, or a form where there is a file. */
export interface MediaAsk {
  endpoint: "audio.transcriptions" | "audio.translations" | "audio.speech" | "images.generations";
  fields?: Record<string, unknown>;
  file?: UploadedFile;
  claims?: Partial<HopClaims>;
}

/** An agent before a fake engine that may be asked for sound and pictures, for the tests of one file. */
export function openMediaWorld(kind: "openai" | "ollama" | "vllm" = "openai") {
  let engine: FakeEngine;
  let setup: Setup;
  beforeAll(async () => {
    engine = await startFakeEngine();
    const engines = [{ kind, url: engine.url, models: { public: "engine/name" } }];
    setup = await setUp(engine.url, { engines, limits: { streamIdleMsMax: 500, wholeSilenceMsMax: 200, pingMs: 50 } });
  });
  afterAll(async () => {
    await setup.stop();
    await engine.close();
  });
  afterEach(() => void (engine.calls = []));

  function open({ endpoint, fields = {}, file, claims = {} }: MediaAsk) {
    const form = file && writeForm(fields, file, "penstock-test");
    const body = form ? form.bytes : Buffer.from(JSON.stringify(fields));
    const held = { completionTokensMax: 0, tokensHeld: 10_000, unitTokens: 10 };
    const full = hopClaims({ endpoint, bodySha256: sha256(body), ...held, ...claims });
    const request = httpRequest(`${setup.agent.url}/v1/${endpoint.replace(".", "/")}`, {
      method: "POST",
      agent: false,
      headers: {
        "content-type": form ? form.contentType : "application/json",
        "content-length": String(body.length),
        authorization: `Bearer ${makeHop(full, setup.keys.hop)}`,
      },
    });
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      request.on("response", resolve).on("error", reject),
    );
    answer.catch(() => {});
    request.end(body);
    return { request, answer, hold: full.hold };
  }
  return {
    get engine() {
      return engine;
    },
    get setup() {
      return setup;
    },
    open,
    /** Sends one call and reads its whole answer. */
    async ask(asked: MediaAsk) {
      const { answer, hold } = open(asked);
      const read = await readAnswer(await answer);
      return { ...read, hold, json: () => JSON.parse(read.text) };
    },
    /** The records of a hold, as soon as the edge has one. */
    async readRecords(hold: string) {
      await until(() => setup.edge.records.some((record) => record.hold === hold));
      return setup.edge.records.filter((record) => record.hold === hold);
    },
  };
}

/** A form as an engine has got it. */
export async function readSent(text: string, contentType: string | undefined): Promise<Map<string, unknown>> {
  const bytes = Buffer.from(text, "latin1");
  const headers = { "content-type": contentType ?? "" };
  const form = await new Response(new Uint8Array(bytes), { headers }).formData();
  return new Map(form.entries());
}
