import type { JsonObject } from "../../../agreements/json.ts";
import type { MediaTokens } from "../../../agreements/records/model.ts";

/** The four types of a text part, and the member that holds its text. vLLM reads them alike. */
export const textMembers: ReadonlyMap<unknown, string> = new Map([
  ["text", "text"],
  ["input_text", "text"],
  ["output_text", "text"],
  ["refusal", "refusal"],
]);

/** The text of a message's part; a part that is no text has none. */
export function readPartText(part: JsonObject): string | null {
  const text = part[textMembers.get(part["type"]) ?? ""];
  return typeof text === "string" ? text : null;
}

/** What a part of a message shows or plays, by the name of its type; null for text and what nobody knows. */
export function findMediaKind(type: unknown): keyof MediaTokens | null {
  if (typeof type !== "string") return null;
  if (/video/i.test(type)) return "video";
  if (/image/i.test(type)) return "image";
  return /audio/i.test(type) ? "audio" : null;
}
