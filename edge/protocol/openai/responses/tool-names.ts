import { isObject, type JsonObject } from "../../../agreements/json.ts";

/** A tool as its caller knows it. `namespace` is null where it stands in the list itself. */
export interface OfferedTool {
  type: "function" | "custom";
  name: string;
  namespace: string | null;
  /** The name that the engine has for it. */
  engineName: string;
  /** Where it stands in the body, such as `tools[1].tools[0]`. */
  path: string;
  /** The tool as it was sent. */
  sent: JsonObject;
}

/**
 * The name that an engine has for a tool: engines know no namespaces (OpenAI's `namespace` tools, which Codex sends for
 * its own tools and for those of MCP servers), so both are in it.
 */
export function nameForEngine(name: string, namespace: string | null): string {
  return namespace === null ? name : `${namespace}__${name}`;
}

/**
 * The tools of a body that its caller runs, those of namespaces one by one. What is no tool of the types `function`,
 * `custom` and `namespace` is left out: the edge refuses it, and the agent, which reads the same list to name what was
 * called, has nothing to name there.
 */
export function listOffered(tools: unknown): OfferedTool[] {
  return readEntries(tools).flatMap(([index, tool]) => {
    const path = `tools[${index}]`;
    const { type, name } = tool;
    if (type !== "namespace") return readTool(tool, path, null);
    if (typeof name !== "string") return [];
    return readEntries(tool["tools"]).flatMap(([at, inner]) => readTool(inner, `${path}.tools[${at}]`, name));
  });
}

function readTool(sent: JsonObject, path: string, namespace: string | null): OfferedTool[] {
  const { type, name } = sent;
  if ((type !== "function" && type !== "custom") || typeof name !== "string") return [];
  return [{ type, name, namespace, engineName: nameForEngine(name, namespace), path, sent }];
}

function readEntries(list: unknown): [number, JsonObject][] {
  const items: unknown[] = Array.isArray(list) ? list : [];
  return items.flatMap((item, index): [number, JsonObject][] => (isObject(item) ? [[index, item]] : []));
}
