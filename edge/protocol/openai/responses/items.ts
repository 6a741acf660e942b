import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { messagesMax, nameBytesMax, partsMax } from "../../../limits.ts";
import type { FieldFault } from "../../fields.ts";
import { checkChoice, checkList, checkMembers, checkText, type Check } from "../members/checks.ts";
import { cleanName, refuseMember } from "../members/member.ts";
import { findContentFault } from "../members/parts.ts";
import { findReferenceFault, isReference, unstoredItem } from "./references.ts";

const anyText = checkText(Number.MAX_SAFE_INTEGER);
const checkName = checkText(nameBytesMax, 1);
const checkTexts = checkList(checkMembers({ text: anyText }, ["text"]), partsMax);

/** What each type of item must hold. */
const itemChecks: Readonly<Record<string, Check>> = {
  message: checkMembers({ role: checkChoice("user", "assistant", "system", "developer"), content: findContentFault }, [
    "role",
    "content",
  ]),
  function_call: checkMembers({ call_id: checkName, name: checkName, namespace: checkName, arguments: anyText }, [
    "call_id",
    "name",
    "arguments",
  ]),
  custom_tool_call: checkMembers({ call_id: checkName, name: checkName, namespace: checkName, input: anyText }, [
    "call_id",
    "name",
    "input",
  ]),
  function_call_output: checkMembers({ call_id: checkName, output: findContentFault }, ["call_id", "output"]),
  custom_tool_call_output: checkMembers({ call_id: checkName, output: findContentFault }, ["call_id", "output"]),
  reasoning: checkMembers({ summary: checkTexts, content: checkTexts }),
};

/** Members of each type of item that are read, or say nothing to a model. */
export const itemMembers: Readonly<Record<string, readonly string[]>> = {
  message: ["role", "content"],
  function_call: ["call_id", "name", "namespace", "arguments"],
  custom_tool_call: ["call_id", "name", "namespace", "input"],
  function_call_output: ["call_id", "output"],
  custom_tool_call_output: ["call_id", "output"],
  reasoning: ["summary", "content", "encrypted_content"],
};

/** Members that answers have, and that come back with their items. */
export const silentItemMembers: readonly string[] = ["type", "id", "status", "phase", "caller", "async"];

/** The type of an item; one with a role is a message, whatever else it leaves out. */
export function readItemType(item: JsonObject): unknown {
  const { type, role } = item;
  return (type === undefined || type === null) && role !== undefined ? "message" : type;
}

function findItemFault(item: unknown): FieldFault | null {
  if (!isObject(item)) return { path: [], message: "must be an object" };
  const type = readItemType(item);
  if (type === undefined || type === null) return { path: ["type"], message: "is required" };
  if (typeof type !== "string") return { path: ["type"], message: "must be a string" };
  if (isReference(item)) return findReferenceFault(item);
  // Types without a row are refused by name later, as members are.
  return Object.hasOwn(itemChecks, type) ? (itemChecks[type]?.(item) ?? null) : null;
}

const checkItems = checkList(findItemFault, messagesMax, 1);

/** What is wrong with `input`, up to the first fault: text, or a list of items. */
export function findInputFault(input: unknown): FieldFault | null {
  if (typeof input === "string") return null;
  return Array.isArray(input) ? checkItems(input) : { path: [], message: "must be a string or a list" };
}

/** Refuses an item whose type cannot be had, by its path. */
export function refuseItem(item: JsonObject, path: string): void {
  const type = readItemType(item);
  if (typeof type === "string" && Object.hasOwn(itemChecks, type)) return;
  const what = `An item of the type '${cleanName(String(type))}'`;
  if (isReference(item)) throw refuseMember(`${path}.type`, unstoredItem, what);
  throw refuseMember(`${path}.type`, `items are ${Object.keys(itemChecks).join(", ")}`, what);
}
