import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { Refusal } from "../../../errors.ts";
import { nameBytesMax, schemaBytesMax, toolsBytesMax, toolsMax } from "../../../limits.ts";
import { checkBoolean, checkChoice, checkList, checkMembers, checkText, type Check } from "../members/checks.ts";
import { cleanName, refuseMember, type IgnoredMembers } from "../members/member.ts";
import { findSchemaFault } from "../members/structure/json-schema.ts";
import { listOffered, type OfferedTool } from "./tool-names.ts";

const checkType = checkText(64, 1);
const checkName = checkText(nameBytesMax, 1);
const checkDescription = checkText(toolsBytesMax);

const checkFunction = checkMembers(
  {
    type: checkType,
    name: checkName,
    description: checkDescription,
    parameters: findSchemaFault,
    strict: checkBoolean,
  },
  ["type", "name"],
);
const checkCustom = checkMembers(
  {
    type: checkType,
    name: checkName,
    description: checkDescription,
    format: checkMembers(
      {
        type: checkChoice("text", "grammar"),
        syntax: checkChoice("lark", "regex"),
        definition: checkText(schemaBytesMax, 1),
      },
      ["type"],
    ),
  },
  ["type", "name"],
);
const checkNamespace = checkMembers(
  { type: checkType, name: checkName, description: checkDescription, tools: checkList(checkInner, toolsMax) },
  ["type", "name", "tools"],
);

function checkInner(value: unknown) {
  return isObject(value) && value["type"] === "custom" ? checkCustom(value) : checkFunction(value);
}

/** Tools of other types are refused by their type, whatever they hold. */
const checkTool: Check = (value) => {
  const type = isObject(value) ? value["type"] : null;
  if (type === "namespace") return checkNamespace(value);
  return type === "function" || type === "custom"
    ? checkInner(value)
    : checkMembers({ type: checkType }, ["type"])(value);
};

/** What is wrong with the tools of a body, up to the first fault. */
export const findToolsFault = checkList(checkTool, toolsMax);

/** What is wrong with `tool_choice`: none, auto, required, one tool, or some (`allowed_tools`). */
export const findChoiceFault: Check = (value) => {
  if (typeof value === "string") return checkChoice("none", "auto", "required")(value);
  return isObject(value) && value["type"] === "allowed_tools" ? checkAllowed(value) : checkChosen(value);
};

const checkChosen = checkMembers({ type: checkType, name: checkName, namespace: checkName }, ["type"]);
const checkAllowed = checkMembers(
  { mode: checkChoice("auto", "required"), tools: checkList(checkChosen, toolsMax, 1) },
  ["mode", "tools"],
);

/** What a body says of tools, as a chat has it; undefined where it says nothing. */
export interface ChatTools {
  tools: JsonObject[] | undefined;
  choice: JsonObject | string | undefined;
  /** The caller's own names of the members of both. */
  names: Record<string, string>;
}

/**
 * The tools of a body and the choice among them, as a chat has them. Throws a Refusal for tools that somebody other
 * than the caller would have to run, for two of one name, and for a choice of what is not there.
 */
export function writeTools(body: JsonObject, ignored: IgnoredMembers): ChatTools {
  const sent: unknown[] = Array.isArray(body["tools"]) ? body["tools"] : [];
  refuseForeign(sent);
  const offered = listOffered(sent);
  refuseTwins(offered);
  const { allowed, choice } = chooseTools(body["tool_choice"], offered);
  const names: Record<string, string> = { "tool_choice.function": "tool_choice" };
  for (const [index, { path }] of allowed.entries()) {
    names[`tools[${index}]`] = path;
    names[`tools[${index}].function`] = path;
  }
  const tools = allowed.map((tool) => writeTool(tool, ignored));
  // With no tools there is nothing to choose, and some engines refuse a choice among none.
  if (tools.length > 0) return { tools, choice, names };
  if (choice !== "required") return { tools: undefined, choice: undefined, names };
  throw new Refusal("invalid_value", { param: "tool_choice", message: "'tool_choice' needs 'tools' to choose from." });
}

const ofCaller = "nothing is run here, so only tools of the types 'function', 'custom' and 'namespace' are called";

function refuseForeign(tools: unknown[]): void {
  for (const [index, tool] of tools.entries()) {
    const type = isObject(tool) ? tool["type"] : undefined;
    if (type === "function" || type === "custom") continue;
    if (type !== "namespace") throw refuseType(`tools[${index}].type`, type);
    const inner: unknown[] = isObject(tool) && Array.isArray(tool["tools"]) ? tool["tools"] : [];
    for (const [at, one] of inner.entries()) {
      const innerType = isObject(one) ? one["type"] : undefined;
      if (innerType !== "function" && innerType !== "custom")
        throw refuseType(`tools[${index}].tools[${at}].type`, innerType);
    }
  }
}

function refuseType(param: string, type: unknown): Refusal {
  return refuseMember(param, ofCaller, `A tool of the type '${cleanName(String(type))}'`);
}

function refuseTwins(offered: readonly OfferedTool[]): void {
  const known = new Set<string>();
  for (const { engineName, path } of offered) {
    const param = `${path}.name`;
    if (known.has(engineName))
      throw new Refusal("invalid_value", { param, message: `'${param}' is the name of another tool as well.` });
    known.add(engineName);
  }
}

function chooseTools(
  chosen: unknown,
  offered: OfferedTool[],
): { allowed: OfferedTool[]; choice: JsonObject | string | undefined } {
  if (!isObject(chosen)) return { allowed: offered, choice: typeof chosen === "string" ? chosen : undefined };
  if (chosen["type"] !== "allowed_tools") {
    const { engineName } = findChosen(chosen, "tool_choice", offered);
    return { allowed: offered, choice: { type: "function", function: { name: engineName } } };
  }
  const listed: unknown[] = Array.isArray(chosen["tools"]) ? chosen["tools"] : [];
  const named = listed
    .filter(isObject)
    .map((one, index) => findChosen(one, `tool_choice.tools[${index}]`, offered).engineName);
  const mode = chosen["mode"] === "required" ? "required" : "auto";
  return { allowed: offered.filter(({ engineName }) => named.includes(engineName)), choice: mode };
}

function findChosen(chosen: JsonObject, path: string, offered: readonly OfferedTool[]): OfferedTool {
  const { type, name, namespace } = chosen;
  if (type !== "function" && type !== "custom") throw refuseType(`${path}.type`, type);
  const found = offered.find(
    (tool) => tool.type === type && tool.name === name && (!namespace || tool.namespace === namespace),
  );
  if (found) return found;
  const param = `${path}.name`;
  const fault = name === undefined || name === null ? "is required:" : "must be";
  throw new Refusal("invalid_value", { param, message: `'${param}' ${fault} the name of one of 'tools'.` });
}

const functionMembers = ["type", "name", "description", "parameters", "strict"];
const customMembers = ["type", "name", "description", "format"];

function writeTool({ type, engineName, sent }: OfferedTool, ignored: IgnoredMembers): JsonObject {
  const known = type === "custom" ? customMembers : functionMembers;
  for (const [member, value] of Object.entries(sent))
    if (value !== null && !known.includes(member)) ignored.add("tools[]", member);
  const { description, parameters, strict } = sent;
  const called =
    type === "custom"
      ? { description: describeCustom(sent), parameters: inputSchema }
      : {
          ...(typeof description === "string" && { description }),
          ...(parameters !== null && parameters !== undefined && { parameters }),
          ...(typeof strict === "boolean" && { strict }),
        };
  return { type: "function", function: { name: engineName, ...called } };
}

/** The one argument of a custom tool, as engines know it: they call functions with JSON alone. */
const inputSchema = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
  additionalProperties: false,
};

/** A grammar is told to the model, as engines cannot hold one tool's input to it. */
function describeCustom({ description, format }: JsonObject): string {
  const text = typeof description === "string" ? description : "";
  if (!isObject(format) || typeof format["definition"] !== "string") return text;
  const syntax = format["syntax"] === "regex" ? "regular expression" : "Lark grammar";
  return `${text}${text && "\n\n"}The input must match this ${syntax}:\n${format["definition"]}`;
}
