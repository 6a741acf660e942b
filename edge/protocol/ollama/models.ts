import { createHash } from "node:crypto";
import { z } from "zod";
import { findByName, type ModelRecord } from "../../agreements/records/model.ts";
import { parseBody } from "../fields.ts";
import { takes } from "../openai/members/messages.ts";
import { refuseModel } from "../openai/models.ts";
import { resolveName } from "./read.ts";

/**
 * The version whose API this is. Clients compare it with what they need; it is the one whose `api/types.go` knows
 * `think` by levels, `logprobs` and `dimensions`.
 */
export const ollamaVersion = "0.14.0";

/** The body of `GET /api/version`. */
export const OllamaVersion = z.strictObject({ version: z.string() });

/** What Ollama tells of a model's file. There is none here that an edge knows of: all of it is "". */
const Details = z.strictObject({
  parent_model: z.string(),
  format: z.string(),
  family: z.string(),
  families: z.array(z.string()),
  parameter_size: z.string(),
  quantization_level: z.string(),
});
const noDetails: z.infer<typeof Details> = {
  parent_model: "",
  format: "",
  family: "",
  families: [],
  parameter_size: "",
  quantization_level: "",
};

const named = { name: z.string(), model: z.string(), size: z.int(), digest: z.string(), details: Details };
const Capability = z.enum(["completion", "tools", "vision", "embedding"]);

/** The body of `GET /api/tags`: the models that the key may use. */
export const OllamaTags = z.strictObject({
  models: z.array(z.strictObject({ ...named, modified_at: z.iso.datetime() })),
});
export type OllamaTags = z.infer<typeof OllamaTags>;

/** The body of `GET /api/ps`: those that a node serves right now. None is ever unloaded for want of calls. */
export const OllamaRunning = z.strictObject({
  models: z.array(
    z.strictObject({ ...named, expires_at: z.iso.datetime(), size_vram: z.int(), context_length: z.int() }),
  ),
});
export type OllamaRunning = z.infer<typeof OllamaRunning>;

/** The body of `POST /api/show`; `model_info` has the context, in tokens, as `unknown.context_length`. */
export const OllamaModel = z.strictObject({
  modelfile: z.string(),
  parameters: z.string(),
  template: z.string(),
  details: Details,
  model_info: z.record(z.string(), z.union([z.string(), z.int()])),
  capabilities: z.array(Capability),
  modified_at: z.iso.datetime(),
});
export type OllamaModel = z.infer<typeof OllamaModel>;

/** What `POST /api/show` takes; `name` is the older word for `model`. */
export const OllamaShowBody = z.object({
  model: z.string().min(1).max(256).nullish().describe("A model's id or an alias; `:latest` may stand behind it."),
  name: z.string().min(1).max(256).nullish().describe("The same, as older clients say it."),
  verbose: z.boolean().nullish().describe("Changes nothing."),
});

/** The models as Ollama lists them. */
export function listTags(models: readonly ModelRecord[]): OllamaTags {
  return { models: models.map((model) => ({ ...nameModel(model), modified_at: writeTime(model) })) };
}

/** Those of them that are served, as Ollama lists what is loaded. */
export function listRunning(models: readonly ModelRecord[]): OllamaRunning {
  return {
    models: models.map((model) => ({
      ...nameModel(model),
      expires_at: "9999-01-01T00:00:00.000Z",
      size_vram: 0,
      context_length: model.contextTokensMax,
    })),
  };
}

/** The model that a body names, of these, as Ollama shows it; refuses any other as if there were none. */
export function showOllamaModel(models: readonly ModelRecord[], json: unknown): OllamaModel {
  const { model: name, name: older } = parseBody(OllamaShowBody, json);
  const sent = name ?? older ?? "";
  const found = findByName(models, resolveName(sent, models));
  if (!found) throw refuseModel(sent);
  const architecture = "unknown";
  return {
    modelfile: "",
    parameters: "",
    template: "",
    details: noDetails,
    model_info: {
      "general.architecture": architecture,
      [`${architecture}.context_length`]: found.contextTokensMax,
    },
    capabilities: listCapabilities(found),
    modified_at: writeTime(found),
  };
}

function nameModel({ id }: ModelRecord) {
  const digest = createHash("sha256").update(id).digest("hex");
  return { name: id, model: id, size: 0, digest, details: noDetails };
}

function listCapabilities(model: ModelRecord): z.infer<typeof Capability>[] {
  const isChat = model.endpoints.includes("chat.completions");
  return Capability.options.filter((name) => {
    if (name === "embedding") return model.endpoints.includes("embeddings");
    return isChat && (name !== "vision" || takes(model, "image"));
  });
}

function writeTime({ createdAtMs }: ModelRecord): string {
  return new Date(createdAtMs).toISOString();
}
