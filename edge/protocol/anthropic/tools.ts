import { isObject, type JsonObject } from "../../agreements/json.ts";
import { Refusal } from "../../errors.ts";
import { nameBytesMax, toolsBytesMax, toolsMax } from "../../limits.ts";
import {
  checkBoolean,
  checkChoice,
  checkList,
  checkMembers,
  checkObject,
  checkText,
  type Check,
} from "../openai/members/checks.ts";
import { cleanName, refuseMember } from "../openai/members/member.ts";
import { readText } from "./blocks.ts";

/** A tool of a call: one of the caller's own, or one of Anthropic's, which are refused by their type. */
export interface SentTool extends JsonObject {
  name?: string;
}

/** Which tool is to be called. */
export interface SentChoice extends JsonObject {
  type: "auto" | "any" | "tool" | "none";
}

const checkOwnTool = checkMembers(
  {
    name: checkText(nameBytesMax, 1),
    description: checkText(toolsBytesMax),
    input_schema: checkObject,
    strict: checkBoolean,
  },
  ["name", "input_schema"],
);

const isOwn = (type: unknown) => type === undefined || type === null || type === "custom";

const checkTool: Check = (tool) => {
  if (!isObject(tool)) return { path: [], message: "must be an object" };
  const { type } = tool;
  if (isOwn(type)) return checkOwnTool(tool);
  return typeof type === "string" ? null : { path: ["type"], message: "must be a string" };
};

/** What is wrong with a list of tools. Their schemas are checked as those of a chat's tools. */
export const checkTools: Check = checkList(checkTool, toolsMax);

/** What is wrong with the choice of a tool. */
export const checkToolChoice: Check = (choice) => {
  const found = checkMembers(
    {
      type: checkChoice("auto", "any", "tool", "none"),
      name: checkText(nameBytesMax, 1),
      disable_parallel_tool_use: checkBoolean,
    },
    ["type"],
  )(choice);
  const isNameless = isObject(choice) && choice["type"] === "tool" && (choice["name"] ?? null) === null;
  return found ?? (isNameless ? { path: ["name"], message: "is required" } : null);
};

/** The tools as a chat has them. Refuses Anthropic's own. */
export function writeTools(tools: readonly SentTool[]): JsonObject[] {
  return tools.map((tool, at) => {
    const { type, name, description, input_schema: parameters, strict } = tool;
    if (!isOwn(type)) {
      const instead = "only your own tools are called, by 'name' and 'input_schema'";
      throw refuseMember(`tools[${at}].type`, instead, `'${cleanName(readText(type))}'`);
    }
    const own = Object.entries({ name, description, parameters, strict }).filter(([, value]) => isSent(value));
    return { type: "function", function: Object.fromEntries(own) };
  });
}

/** Where each tool's schema stands in the translated body, for the digits of its numbers; `tools` may be anything. */
export function writeExactTools(tools: unknown): unknown {
  if (!Array.isArray(tools)) return undefined;
  return tools.map((tool: unknown) => ({
    function: { parameters: isObject(tool) ? tool["input_schema"] : undefined },
  }));
}

/** `tool_choice` and `parallel_tool_calls` of a chat. Refuses the choice of a tool that is not there. */
export function writeToolChoice(choice: SentChoice | undefined, tools: readonly SentTool[]): JsonObject {
  if (!choice) return {};
  const { type, name, disable_parallel_tool_use: isSerial } = choice;
  const isForced = type === "any" || type === "tool";
  if (isForced && tools.length === 0) throw refuseChoice("tool_choice.type", "needs 'tools'");
  if (type === "tool" && !tools.some((tool) => tool.name === name))
    throw refuseChoice("tool_choice.name", "is the name of no tool in 'tools'");
  if (tools.length === 0) return {};
  const chosen = { auto: "auto", any: "required", none: "none", tool: { type: "function", function: { name } } };
  return { tool_choice: chosen[type], ...(isSerial === true && { parallel_tool_calls: false }) };
}

function refuseChoice(param: string, why: string): Refusal {
  return new Refusal("invalid_value", { param, message: `'${param}' ${why}.` });
}

function isSent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
