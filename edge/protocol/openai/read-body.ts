import type { EngineEndpoint } from "../../agreements/paths.ts";
import { findByName, type ModelRecord } from "../../agreements/records/model.ts";
import type { NamedModel } from "../../errors.ts";
import type { ReadBody } from "../body.ts";
import { readAudio, readImages, readSpeech } from "../media/read.ts";
import { readRerank, readScore } from "../ranking/read.ts";
import { readChat } from "./chat.ts";
import { readCompletions, readEmbeddings } from "./completions.ts";
import { IgnoredMembers } from "./members/member.ts";
import { parseMembers } from "./members/parse.ts";
import { markModel } from "./models.ts";
import type { ParsedBody } from "./parsed-body.ts";
import { writeExactly } from "./bounds/write-exactly.ts";

/** A body as it is read, and for writing, where that differs (`restoreDigits`). */
type Sent = Pick<ReadBody, "json" | "exact">;

/**
 * Reads a body by its endpoint's table of members; throws a Refusal that names the member. What a double cannot keep is
 * written as it came.
 */
export function readParsedBody(endpoint: EngineEndpoint, sent: Sent, models: readonly ModelRecord[]): ParsedBody {
  const parsed = readWritten(endpoint, sent.json, models);
  const { exact } = sent;
  return exact === null ? parsed : markModel(parsed.named, () => writeExactly(parsed, exact));
}

function readWritten(endpoint: EngineEndpoint, json: unknown, models: readonly ModelRecord[]): ParsedBody {
  const ignored = new IgnoredMembers();
  if (endpoint === "completions") {
    const body = parseMembers.completions(json, ignored);
    return readNamed(nameModel(models, body.model), () => readCompletions(body, models, ignored));
  }
  if (endpoint === "embeddings") {
    const body = parseMembers.embeddings(json, ignored);
    return readNamed(nameModel(models, body.model), () => readEmbeddings(body, models, ignored));
  }
  if (endpoint === "rerank") {
    const body = parseMembers.rerank(json, ignored);
    return readNamed(nameModel(models, body.model), () => readRerank(body, models, ignored));
  }
  if (endpoint === "score") {
    const body = parseMembers.score(json, ignored);
    return readNamed(nameModel(models, body.model), () => readScore(body, models, ignored));
  }
  if (endpoint === "chat.completions") {
    const body = parseMembers["chat.completions"](json, ignored);
    return readNamed(nameModel(models, body.model), () => readChat(body, endpoint, models, ignored));
  }
  if (endpoint !== "text2sql") return readMedia(endpoint, json, models, ignored);
  const body = parseMembers.text2sql(json, ignored);
  const model = body.model ?? models.find((record) => record.endpoints.includes("text2sql"))?.id ?? "";
  const named = { ...nameModel(models, model), name: body.model ?? "" };
  return readNamed(named, () => readChat({ ...body, model }, endpoint, models, ignored));
}

function readMedia(
  endpoint: Extract<EngineEndpoint, `audio.${string}` | `images.${string}`>,
  json: unknown,
  models: readonly ModelRecord[],
  ignored: IgnoredMembers,
): ParsedBody {
  if (endpoint === "audio.speech") {
    const body = parseMembers[endpoint](json, ignored);
    return readNamed(nameModel(models, body.model), () => readSpeech(body, models, ignored));
  }
  if (endpoint === "images.generations") {
    const body = parseMembers[endpoint](json, ignored);
    return readNamed(nameModel(models, body.model), () => readImages(body, models, ignored));
  }
  const body = parseMembers[endpoint](json, ignored);
  return readNamed(nameModel(models, body.model), () => readAudio(endpoint, body, models, ignored));
}

function nameModel(models: readonly ModelRecord[], name: string): NamedModel {
  return { name, id: findByName(models, name)?.id ?? null };
}

/** From here on a body is read by its model's record, so what is refused tells of the model. */
function readNamed(named: NamedModel, read: () => Omit<ParsedBody, "named">): ParsedBody {
  return { ...markModel(named, read), named };
}
