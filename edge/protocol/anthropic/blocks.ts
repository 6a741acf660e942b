import { isObject, type JsonObject } from "../../agreements/json.ts";
import { nameBytesMax, partsMax } from "../../limits.ts";
import type { FieldFault } from "../fields.ts";
import { checkBoolean, checkList, checkMembers, checkText, type Check } from "../openai/members/checks.ts";
import { cleanName, refuseMember } from "../openai/members/member.ts";

const anyText = checkText(Number.MAX_SAFE_INTEGER);
const checkName = checkText(nameBytesMax, 1);
const fault = (message: string, ...path: PropertyKey[]): FieldFault => ({ path, message });

const inline = "must have the type 'base64': send the bytes, addresses and files are not fetched";

/** An image must come with the call: the engine would fetch an address from inside the node's network. */
const checkSource: Check = (source) => {
  if (!isObject(source)) return fault("must be an object");
  const { type, media_type: media, data } = source;
  if (type !== "base64") return fault(inline);
  if (typeof media !== "string" || !/^image\/[\w.+-]{1,64}$/.test(media))
    return fault("must be a type of image, such as image/png", "media_type");
  if (typeof data === "string" && /^[A-Za-z0-9+/]+={0,2}$/.test(data)) return null;
  return fault("must be base64", "data");
};

const checkInput: Check = (value) => (isObject(value) ? null : fault("must be an object"));

/** What each type of block must be. Other types are refused by their names, where it is known what may stand. */
const blockChecks: ReadonlyMap<unknown, Check> = new Map<string, Check>([
  ["text", checkMembers({ text: anyText }, ["text"])],
  ["image", checkMembers({ source: checkSource }, ["source"])],
  ["thinking", checkMembers({ thinking: anyText }, ["thinking"])],
  ["tool_use", checkMembers({ id: checkName, name: checkName, input: checkInput }, ["id", "name"])],
  [
    "tool_result",
    checkMembers({ tool_use_id: checkName, content: findResultFault, is_error: checkBoolean }, ["tool_use_id"]),
  ],
]);

/** What is wrong with a block of a message; blocks of unknown types are named later. */
export function findBlockFault(block: unknown): FieldFault | null {
  if (!isObject(block)) return fault("must be an object");
  const { type } = block;
  if (type === undefined) return fault("is required", "type");
  if (typeof type !== "string") return fault("must be a string", "type");
  if (type === "") return fault("must not be empty", "type");
  return blockChecks.get(type)?.(block) ?? null;
}

const checkBlocks = checkList(findBlockFault, partsMax);

/** What is wrong with content: text, or a list of blocks. */
export function findContentFault(content: unknown): FieldFault | null {
  if (typeof content === "string") return null;
  return Array.isArray(content) ? checkBlocks(content) : fault("must be a string or a list");
}

/** A function of its own: the table of blocks that it looks into has a row for what it checks. */
function findResultFault(content: unknown): FieldFault | null {
  return findContentFault(content);
}

/** The blocks of a content that is a list. */
export function listBlocks(content: unknown): JsonObject[] {
  return Array.isArray(content) ? content.filter(isObject) : [];
}

/** A member that has been checked to be text, or is not there. */
export function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** What may be sent by whom, for the sentence that refuses all else. */
const allowed = {
  user: "send text, images as base64, and the results of tools",
  assistant: "send back its text, its thinking, and its calls of your tools",
  system: "send text",
  result: "send text, or images as base64",
} as const;

/** The refusal of a block that may not stand where it does; `path` is the block's own. */
export function refuseBlock(block: JsonObject, path: string, where: keyof typeof allowed) {
  return refuseMember(`${path}.type`, allowed[where], `'${cleanName(readText(block["type"]))}'`);
}

/** The block as a part of a chat's message: text, or an image. */
export function writePart(block: JsonObject): JsonObject {
  if (block["type"] === "text") return { type: "text", text: readText(block["text"]) };
  const source = isObject(block["source"]) ? block["source"] : {};
  const url = `data:${readText(source["media_type"])};base64,${readText(source["data"])}`;
  return { type: "image_url", image_url: { url } };
}
