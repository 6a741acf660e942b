import { z } from "zod";
import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { endpointPaths, type CallPath } from "../../../agreements/paths.ts";
import { parseBody } from "../../fields.ts";
import { imagesMembers, speechMembers, transcriptionMembers, translationMembers } from "../../media/members.ts";
import { rerankMembers, scoreMembers } from "../../ranking/members.ts";
import { chatMembers } from "./chat.ts";
import { completionsMembers } from "./completions.ts";
import { embeddingsMembers } from "./embeddings.ts";
import { IgnoredMembers, pickMembers, readShape, type MemberTable } from "./member.ts";
import { keepMessages } from "./messages.ts";
import { keepNested } from "./nested.ts";
import { modelOrOurs } from "./shared.ts";

/** What an agent lets through. It names the model itself. */
const chat = { ...chatMembers, model: modelOrOurs } as const;
const ChatAtAgent = z.object(readShape(chat));
const others = {
  [endpointPaths.completions.agent]: openRow({ ...completionsMembers, model: modelOrOurs }),
  [endpointPaths.embeddings.agent]: openRow({ ...embeddingsMembers, model: modelOrOurs }),
  [endpointPaths.rerank.agent]: openRow({ ...rerankMembers, model: modelOrOurs }),
  [endpointPaths.score.agent]: openRow({ ...scoreMembers, model: modelOrOurs }),
  [endpointPaths["audio.transcriptions"].agent]: openRow({ ...transcriptionMembers, model: modelOrOurs }),
  [endpointPaths["audio.translations"].agent]: openRow({ ...translationMembers, model: modelOrOurs }),
  [endpointPaths["audio.speech"].agent]: openRow({ ...speechMembers, model: modelOrOurs }),
  [endpointPaths["images.generations"].agent]: openRow({ ...imagesMembers, model: modelOrOurs }),
} as const;

function openRow(table: MemberTable) {
  return { table, schema: z.object(readShape(table)) };
}

/** The row of a path that is no chat's; null for a chat's. */
function findRow(path: CallPath) {
  return path === endpointPaths["chat.completions"].agent ? null : others[path];
}

/** A model's record is the edge's: every medium may pass here. */
const anyMedium = { mediaTokensMax: { image: 1, audio: 1, video: 1 } };

/**
 * Reads a body that an edge has sent by the same tables as the edge does, since an agent trusts no edge either: returns
 * the members that may go on, in our own writing, and those that we read ourselves. Throws a Refusal for what is out of
 * bounds.
 */
export function recheckBody(path: CallPath, json: JsonObject): JsonObject {
  const ignored = new IgnoredMembers();
  const row = findRow(path);
  if (row) {
    const { table, schema } = row;
    return keepNested(parseBody(schema, pickMembers(json, table, ignored)), null, ignored);
  }
  const body = parseBody(ChatAtAgent, pickMembers(json, chat, ignored));
  return { ...keepNested(body, null, ignored), messages: keepMessages(body.messages, anyMedium, ignored) };
}

/** The members of a rechecked body that an engine may get: without those in whose place it gets ours. */
export function omitOurs(path: CallPath, body: JsonObject): JsonObject {
  const table: MemberTable = findRow(path)?.table ?? chat;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => value !== undefined && table[name]?.fate === "forwarded"),
  );
}

/**
 * The messages with each medium's name (`uuid`) as `rename` has it: engines find what they have cached by that name
 * alone, so it must not be one that another org could guess. The very same where nothing is named.
 */
export function renameMedia(messages: unknown, rename: (uuid: string) => string): unknown {
  if (!Array.isArray(messages) || !messages.some(hasName)) return messages;
  return messages.map((message: unknown) => {
    if (!isObject(message) || !hasName(message) || !Array.isArray(message["content"])) return message;
    return { ...message, content: message["content"].map((part: unknown) => renamePart(part, rename)) };
  });
}

function hasName(message: unknown): boolean {
  const content = isObject(message) ? message["content"] : null;
  return Array.isArray(content) && content.some((part: unknown) => isObject(part) && part["uuid"] !== undefined);
}

function renamePart(part: unknown, rename: (uuid: string) => string): unknown {
  return isObject(part) && typeof part["uuid"] === "string" ? { ...part, uuid: rename(part["uuid"]) } : part;
}
