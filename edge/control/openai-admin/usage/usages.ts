import { createRoute, z } from "@hono/zod-openapi";
import type { CallEndpoint } from "../../../agreements/paths.ts";
import type { CountColumn } from "../../../agreements/records/usage-columns.ts";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../../http/endpoint.ts";
import { listField, readList } from "../lists.ts";
import { bucketFields, bucketWidths, describeBuckets, readBuckets, showBuckets } from "./buckets.ts";
import { chosenFields, readGroups, resolveNames, sumGroups, usageGroups, type GroupedSums } from "./groups.ts";

const id = z.string().nullable();
const grouped = { project_id: id, user_id: id, api_key_id: id, model: id, service_tier: id, batch: z.null() };
const none = { project_id: null, user_id: null, api_key_id: null, model: null, service_tier: null, batch: null };

/** Each part of usage that OpenAI tells apart: of which endpoints' calls, and what it counts. */
const kinds = {
  completions: {
    name: "Completions",
    endpoints: [
      "chat.completions",
      "completions",
      "responses",
      "messages",
      "text2sql",
      "ollama.chat",
      "ollama.generate",
    ],
    counts: {
      input_tokens: "promptTokens",
      input_cached_tokens: "cachedTokens",
      output_tokens: "completionTokens",
    },
  },
  embeddings: {
    name: "Embeddings",
    endpoints: ["embeddings", "ollama.embed"],
    counts: { input_tokens: "promptTokens" },
  },
  images: { name: "Images", endpoints: ["images.generations"], counts: { images: "units" } },
  audio_speeches: { name: "AudioSpeeches", endpoints: ["audio.speech"], counts: { characters: "units" } },
  audio_transcriptions: {
    name: "AudioTranscriptions",
    endpoints: ["audio.transcriptions", "audio.translations"],
    counts: { seconds: "units" },
  },
} as const satisfies Record<
  string,
  { name: string; endpoints: readonly CallEndpoint[]; counts: Record<string, CountColumn> }
>;
type UsageKind = keyof typeof kinds;

const Query = z.strictObject({
  ...bucketFields,
  bucket_width: z
    .string()
    .optional()
    .openapi({ enum: Object.keys(bucketWidths) }),
  ...chosenFields,
  ...listField("models", z.string().min(1).max(200)),
  ...listField("group_by", z.string().min(1).max(50)),
});

function readWidth(given = "1d") {
  if (given === "1h" || given === "1d") return bucketWidths[given];
  throw new Refusal("invalid_value", {
    param: "bucket_width",
    message: "bucket_width: Usage is kept by the hour and by the day: 1h or 1d.",
  });
}

/** One part of usage over time, by UTC hour or day, from roll-ups. */
function defineUsage(kind: UsageKind) {
  const { name, endpoints, counts } = kinds[kind];
  const object = `organization.usage.${kind}.result` as const;
  const amounts = Object.fromEntries(Object.keys(counts).map((count) => [count, z.int()]));
  const Result = z
    .strictObject({ object: z.literal(object), ...amounts, num_model_requests: z.int(), ...grouped })
    .openapi(`OpenAi${name}Usage`);
  const show = (row: GroupedSums): z.infer<typeof Result> => {
    const counted = Object.entries<CountColumn>(counts);
    const sums = Object.fromEntries(counted.map(([count, column]) => [count, row[column]]));
    return { object, ...sums, num_model_requests: row.calls, ...none, ...row.named };
  };
  return defineEndpoint(
    "usage.read",
    createRoute({
      method: "get",
      path: `/usage/${kind}`,
      operationId: `openai${name}Usage`,
      tags: ["openai-admin"],
      summary: `Show usage over time (${kind}), in OpenAI's form`,
      request: { query: Query },
      responses: {
        200: describeJsonAnswer("A page of buckets.", describeBuckets(Result, `OpenAi${name}Usage`)),
        default: refusalAnswer,
      },
    }),
    async (c) => {
      const { bucket_width, ...query } = c.req.valid("query");
      const width = readWidth(bucket_width);
      const page = readBuckets(query, width, c.var.visit.now());
      const models = resolveNames(c, readList(query, "models"));
      const wanted = { query, groups: readGroups(query, usageGroups), models, endpoints };
      const rows = await sumGroups(c, wanted, { ...page, by: width.by });
      return c.json(showBuckets(page, width.ms, rows, show), 200);
    },
  );
}

/** What chat, completions, responses and messages have used. */
export const openAiCompletionsUsage = defineUsage("completions");
/** What embeddings have used. */
export const openAiEmbeddingsUsage = defineUsage("embeddings");
/** What pictures have used. */
export const openAiImagesUsage = defineUsage("images");
/** What speech has used. */
export const openAiSpeechesUsage = defineUsage("audio_speeches");
/** What transcripts have used. */
export const openAiTranscriptionsUsage = defineUsage("audio_transcriptions");
