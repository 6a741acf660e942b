import { isObject, type JsonObject } from "../../../agreements/json.ts";
import type { FieldFault } from "../../fields.ts";
import { partsMax, uuidBytesMax } from "../../../limits.ts";
import { checkList, checkText } from "./checks.ts";

/** What a part of a message brings: text, or one of the media that a model's record may name. */
export type PartKind = "text" | "image" | "audio" | "video";

/**
 * A type of part: what it brings, the member that holds it, and its form: text, `{url}`, a URL alone, or the bytes of a
 * sound.
 */
interface PartType {
  kind: PartKind;
  member: string;
  form: "text" | "url" | "plainUrl" | "sound";
}

/**
 * The types of parts that there are. vLLM reads text alike under its four names. Whatever hands an engine a tensor
 * (`image_embeds`, `prompt_embeds` and what may come) has no row.
 */
const partTypes: ReadonlyMap<unknown, PartType> = new Map<string, PartType>([
  ["text", { kind: "text", member: "text", form: "text" }],
  ["input_text", { kind: "text", member: "text", form: "text" }],
  ["output_text", { kind: "text", member: "text", form: "text" }],
  ["refusal", { kind: "text", member: "refusal", form: "text" }],
  ["image_url", { kind: "image", member: "image_url", form: "url" }],
  ["input_image", { kind: "image", member: "image_url", form: "plainUrl" }],
  ["input_audio", { kind: "audio", member: "input_audio", form: "sound" }],
  ["audio_url", { kind: "audio", member: "audio_url", form: "url" }],
  ["video_url", { kind: "video", member: "video_url", form: "url" }],
]);

const inline = "send text, or media as a 'data:' URI";
/**
 * Types of parts that are never let through, each with what to do instead. Those of tensors (`*_embeds`) and
 * `image_pil` hand an engine something to unpickle, or an object of its own process.
 */
export const refusedPartTypes: ReadonlyMap<string, string> = new Map([
  ["image_embeds", inline],
  ["audio_embeds", inline],
  ["video_embeds", inline],
  ["prompt_embeds", inline],
  ["image_pil", inline],
  ["file", inline],
  ["thinking", "send it as the message's 'reasoning'"],
  ["tool_reference", "name the tool in 'tools'"],
]);

/** The names of all types of parts that are let through where the model takes them. */
export const partTypeNames: readonly string[] = Array.from(partTypes.keys(), String);

/** The members in which parts bring what they bring. */
export const partMembers: readonly string[] = Array.from(partTypes.values(), ({ member }) => member);

/** The members of media that are objects, as they go on. */
export const formMembers: Readonly<Record<string, readonly string[]>> = {
  image_url: ["url", "detail"],
  audio_url: ["url", "detail"],
  video_url: ["url", "detail"],
  input_audio: ["data", "format"],
};

/** What a part brings; null for a type that no row knows. */
export function readPartKind(part: JsonObject): PartKind | null {
  return partTypes.get(part["type"])?.kind ?? null;
}

/** The text of a part; media have none. */
export function readPartText(part: JsonObject): string {
  const row = partTypes.get(part["type"]);
  const text = row?.kind === "text" ? part[row.member] : "";
  return typeof text === "string" ? text : "";
}

const maxBytes = Number.MAX_SAFE_INTEGER;
const checkAnyText = checkText(maxBytes);
const checkUuid = checkText(uuidBytesMax, 1);

/** What is wrong with a part of a message; types without a row are named later, when the model is known. */
export function findPartFault(part: unknown): FieldFault | null {
  if (!isObject(part)) return { path: [], message: "must be an object" };
  const { type, uuid } = part;
  if (type === undefined) return { path: ["type"], message: "is required" };
  if (typeof type !== "string") return { path: ["type"], message: "must be a string" };
  if (type === "") return { path: ["type"], message: "must not be empty" };
  const row = partTypes.get(type);
  if (row === undefined) return null;
  const value = part[row.member];
  if (value === undefined) return { path: [row.member], message: "is required" };
  const fault = findFormFault(row.form, value);
  if (fault) return { ...fault, path: [row.member, ...fault.path] };
  const wrong = row.kind === "text" || uuid === undefined || uuid === null ? null : checkUuid(uuid);
  return wrong && { ...wrong, path: ["uuid"] };
}

function findFormFault(form: PartType["form"], value: unknown): FieldFault | null {
  if (form === "text") return checkAnyText(value);
  if (form === "plainUrl") return findUrlFault(value);
  if (!isObject(value)) return { path: [], message: "must be an object" };
  if (form === "url")
    return under("url", findUrlFault(value["url"])) ?? under("detail", findDetailFault(value["detail"]));
  return under("data", checkAnyText(value["data"])) ?? under("format", checkFormat(value["format"]));
}

const checkFormat = checkText(16, 1);
const checkDetail = checkText(16);

function findDetailFault(detail: unknown): FieldFault | null {
  return detail === undefined || detail === null ? null : checkDetail(detail);
}

function under(name: string, fault: FieldFault | null): FieldFault | null {
  return fault && { ...fault, path: [name] };
}

/** The engine would fetch an address from inside the node's network. */
function findUrlFault(url: unknown): FieldFault | null {
  if (url === undefined) return { path: [], message: "is required" };
  if (typeof url === "string" && /^data:/i.test(url)) return null;
  return { path: [], message: "Media must be sent inline, as a 'data:' URI; addresses are not fetched." };
}

/** What is wrong with a message's content: text, or a list of parts. */
export function findContentFault(content: unknown): FieldFault | null {
  if (typeof content === "string") return null;
  return Array.isArray(content) ? checkParts(content) : { path: [], message: "must be a string or a list" };
}

const checkParts = checkList(findPartFault, partsMax);

/** A part as it goes on: its type and what it brings. A medium keeps the name that its sender gave it (`uuid`). */
export function keepPart(part: JsonObject): JsonObject {
  const row = partTypes.get(part["type"]);
  if (row === undefined) return {};
  const value = part[row.member];
  const { uuid } = part;
  return {
    type: part["type"],
    [row.member]: isObject(value) ? keepForm(row.member, value) : value,
    ...(row.kind !== "text" && typeof uuid === "string" && { uuid }),
  };
}

function keepForm(member: string, value: JsonObject): JsonObject {
  const names = formMembers[member] ?? [];
  const isSent = (name: string) => value[name] !== undefined && value[name] !== null;
  return Object.fromEntries(names.filter(isSent).map((name) => [name, value[name]]));
}

const known: ReadonlySet<string> = new Set(["type", "uuid", "cache_control"]);

/** The members of a part that no row knows, and how they are written in its path. */
export function listStrangeMembers(part: JsonObject): string[] {
  const member = partTypes.get(part["type"])?.member;
  return Object.keys(part).filter((name) => name !== member && !known.has(name));
}
