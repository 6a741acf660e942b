import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { callPathNames, isMedia, type EngineEndpoint } from "#edge/agreements/paths.ts";
import { IgnoredMembers, type MemberTable } from "#edge/protocol/openai/members/member.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";
import { omitOurs, recheckBody, renameMedia } from "#edge/protocol/openai/members/recheck.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { chatModel, embeddingModel, mediaModels, rankModel, sqlModel } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const models = [chatModel, sqlModel, embeddingModel, rankModel, ...mediaModels];
const file = new UploadedFile(new Uint8Array([1, 2, 3]), "a.mp3");
const messages = [{ role: "user", content: "hi" }];
const bodies: Record<EngineEndpoint, Record<string, unknown>> = {
  "chat.completions": { model: "chat", messages },
  text2sql: { messages },
  completions: { model: "chat", prompt: "hi" },
  embeddings: { model: "embed", input: "hi" },
  rerank: { model: "rerank", query: "hi", documents: ["a", "b"] },
  score: { model: "rerank", text_1: "hi", text_2: ["a", "b"] },
  "audio.transcriptions": { model: "whisper", file },
  "audio.translations": { model: "whisper", file },
  "audio.speech": { model: "tts", input: "hi" },
  "images.generations": { model: "image", prompt: "hi" },
};
const endpoints = Object.keys(bodies) as EngineEndpoint[];

test("each member of the tables is told in the document, bounded when it goes on, and explained", () => {
  for (const [endpoint, table] of Object.entries(memberTables)) {
    for (const [name, member] of Object.entries(table)) {
      const words = member.fate === "refused" ? member.instead : member.why;
      expect([endpoint, name, words.length > 5]).toEqual([endpoint, name, true]);
    }
  }
});

test("an agent reads by path what an edge reads by endpoint", async () => {
  for (const path of callPathNames) {
    const body = {
      "/v1/chat/completions": { messages },
      "/v1/completions": { prompt: "x" },
      "/v1/embeddings": { input: "x" },
      "/v1/rerank": { query: "x", documents: ["y"], top_n: 1 },
      "/v1/score": { text_1: "x", text_2: "y" },
      "/v1/audio/transcriptions": { file, language: "de", "timestamp_granularities[]": ["word"] },
      "/v1/audio/translations": { file, prompt: "x" },
      "/v1/audio/speech": { input: "x", voice: "y", speed: 2 },
      "/v1/images/generations": { prompt: "x", n: 2 },
    }[path];
    // Forms and pictures have no streams; whoever asks for one is told so.
    const stream = isMedia(path) ? {} : { stream: true };
    expect(
      omitOurs(path, recheckBody(path, { ...body, ...stream, stream_options: {}, strange: 1, priority: 1 })),
    ).toEqual(body);
    await expectRefusal(
      () => recheckBody(path, { ...body, guided_json: { a: 1 } }),
      "unsupported_parameter",
      "guided_json",
    );
  }
  const chat = "/v1/chat/completions" as const;
  await expectRefusal(
    () => recheckBody(chat, { messages, bad_words: ["x".repeat(65)] }),
    "invalid_value",
    "bad_words[0]",
  );
  await expectRefusal(() => recheckBody(chat, {}), "invalid_value", "messages");
});

test("media are renamed where they are named, and the messages are the very same where none is", () => {
  const part = { type: "image_url", image_url: { url: "data:," }, uuid: "a" };
  const sent = [
    { role: "user", content: "x" },
    { role: "user", content: [{ type: "text", text: "a" }, part] },
  ];
  expect(renameMedia(sent, (uuid) => `${uuid}!`)).toEqual([
    sent[0],
    {
      role: "user",
      content: [
        { type: "text", text: "a" },
        { ...part, uuid: "a!" },
      ],
    },
  ]);
  expect(renameMedia(messages, () => "x")).toBe(messages);
  for (const other of [null, "x", [null], [{ content: [null] }]]) expect(renameMedia(other, () => "x")).toEqual(other);
});

/** Values that a hostile caller may put anywhere. */
const hostile = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.anything({
      maxDepth: 3,
      withNullPrototype: false,
      values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)],
    }),
  },
  fc.constantFrom<unknown>(
    "x".repeat(70_000),
    Array<string>(3_000).fill("x"),
    Array<number>(3_000).fill(1),
    { type: "image_embeds", image_embeds: "CANARY" },
    [{ type: "prompt_embeds", data: "CANARY" }],
    [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://10.0.0.1/CANARY" } }] }],
    { json: { pattern: "(a{64}){64}" } },
    JSON.parse('{"__proto__":{"n":99},"chat_template":"CANARY"}'),
    1e308,
    -1,
    Number.MAX_SAFE_INTEGER,
  ),
);
const strangeName = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "lora_request",
  "extra_args",
  "priority ",
  "Priority",
  "",
);

describe("whatever is put into any member", () => {
  const runs = Number(process.env["MEMBER_FUZZ"] ?? 10_000);
  const names = (endpoint: EngineEndpoint) => Object.keys(memberTables[endpoint]);
  const sent = fc.constantFrom(...endpoints).chain((endpoint) =>
    fc.record({
      endpoint: fc.constant(endpoint),
      over: fc.array(
        fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names(endpoint)) }, strangeName), hostile),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  );

  test(`is refused, or goes on within its row: no other member reaches the agent or the engine`, () => {
    const seen = { refused: 0, forwarded: 0 };
    fc.assert(
      fc.property(sent, ({ endpoint, over }) => {
        // A file comes in a form, where no JSON can be one.
        const upload = "file" in bodies[endpoint] && !over.some(([name]) => name === "file") ? { file } : {};
        const text = JSON.stringify({ ...bodies[endpoint], ...Object.fromEntries(over) });
        const json: unknown = { ...JSON.parse(text), ...upload };
        const table: MemberTable = memberTables[endpoint];
        try {
          const { body, path } = readParsedBody(endpoint, { json, exact: null }, models);
          for (const name of Object.keys(body)) expect(["forwarded", "ours"]).toContain(table[name]?.fate);
          const engineBody = omitOurs(path, recheckBody(path, { ...JSON.parse(JSON.stringify(body)), ...upload }));
          for (const name of Object.keys(engineBody)) expect(table[name]?.fate).toBe("forwarded");
          // What a document or a schema says is the caller's own text, and no tensor or address.
          const { documents: _, tools: __, response_format: ___, structured_outputs: ____, ...rest } = engineBody;
          expect(JSON.stringify(rest)).not.toContain("CANARY");
          seen.forwarded++;
        } catch (failure) {
          // Anything but a refusal would be a 500.
          if (!(failure instanceof Refusal)) throw failure;
          expect(failure.status).toBeLessThan(500);
          expect(JSON.stringify([failure.message, failure.details.param])).not.toContain("CANARY");
          seen.refused++;
        }
      }),
      { numRuns: runs },
    );
    expect(Math.min(seen.refused, seen.forwarded)).toBeGreaterThan(runs / 20);
  }, 600_000);
});

test("what is ignored says nothing of values", () => {
  const ignored = new IgnoredMembers();
  ignored.add(null, "a");
  expect(ignored.headers).toEqual({ "x-penstock-ignored": "a" });
});
