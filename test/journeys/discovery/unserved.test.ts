import OpenAI, { toFile } from "openai";
import { describe, expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));

async function openClient() {
  const { key } = await world.newOrg();
  return new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: key, maxRetries: 0 });
}

describe("what no model here serves is refused by name in the SDK's own error", () => {
  const calls: [string, (openai: OpenAI) => Promise<unknown>][] = [
    ["moderations", (openai) => openai.moderations.create({ input: "x" })],
    ["edits", async (openai) => openai.images.edit({ image: await toFile(new Uint8Array(9), "x.png"), prompt: "x" })],
    ["files", async (openai) => openai.files.list()],
    ["files", (openai) => openai.files.delete("file-1")],
    ["batches", async (openai) => openai.batches.list()],
    ["fine-tuning", async (openai) => openai.fineTuning.jobs.list()],
  ];
  test.each(calls)("%s", async (part, call) => {
    const failure = await call(await openClient()).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(OpenAI.NotFoundError);
    expect(failure).toMatchObject({
      status: 404,
      code: "unknown_url",
      message: expect.stringMatching(new RegExp(`OpenAI's .*${part}.* no model here serves`)),
    });
  });

  test("to a page of any origin too, and whatever its body is", async () => {
    const form = new FormData();
    form.set("file", new Blob(["x"]), "x.jsonl");
    const headers = { origin: "https://app.example" };
    const response = await fetch(`${world.place.edge}/v1/files`, { method: "POST", body: form, headers });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([404, "*"]);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", code: "unknown_url" } });
  });
});

test("a form that nobody reads is answered all the same: its body is sent behind its headers", async () => {
  const answers = new Set<string>();
  for (let at = 0; at < 150; at++) {
    const body = new FormData();
    body.append("image", new File([new Uint8Array(9)], "x.png"));
    const asked = fetch(`${world.place.edge}/v1/images/edits`, { method: "POST", body });
    answers.add(await asked.then(async (answer) => (await answer.text()) && String(answer.status), String));
  }
  expect([...answers]).toEqual(["404"]);
});
