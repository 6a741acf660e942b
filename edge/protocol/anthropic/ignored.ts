import { isObject, type JsonObject } from "../../agreements/json.ts";
import { IgnoredMembers } from "../openai/members/member.ts";
import { listBlocks } from "./blocks.ts";
import type { MessagesBody } from "./members.ts";

/** What is known of each type of block. Thoughts, calls and results come back as an answer had them. */
const blockMembers: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["text", ["text", "citations"]],
  ["image", ["source"]],
  ["thinking", ["thinking", "signature"]],
  ["redacted_thinking", ["data"]],
  ["tool_use", ["id", "name", "input", "caller"]],
  ["tool_result", ["tool_use_id", "content", "is_error"]],
]);
/** The engine's cache is its own, so a mark for it says nothing, wherever it stands. */
const everywhere = ["type", "cache_control"];

const toolMembers = ["name", "description", "input_schema", "strict", "eager_input_streaming"];

/** The members of a call's objects that nobody here knows, each once, as many as an answer tells. */
export function listIgnored({ thinking, output_config: output, tool_choice: choice, ...body }: MessagesBody) {
  const found = new IgnoredList();
  found.look("thinking", thinking, ["budget_tokens", "display"]);
  found.look("output_config", output, ["effort", "format"]);
  found.look("output_config.format", output?.format, ["schema"]);
  found.look("tool_choice", choice, ["name", "disable_parallel_tool_use"]);
  for (const tool of body.tools ?? []) found.look("tools[]", tool, toolMembers);
  found.lookAtBlocks("system[]", listBlocks(body.system));
  for (const message of body.messages) {
    found.look("messages[]", message, ["role", "content"]);
    found.lookAtBlocks("messages[].content[]", listBlocks(message.content));
  }
  return found.all;
}

class IgnoredList {
  readonly all = new IgnoredMembers();

  /** Takes down what is not known of an object; a null says nothing. `path` is the object's own. */
  look(path: string, object: unknown, known: readonly string[]): void {
    if (!isObject(object)) return;
    for (const [name, value] of Object.entries(object)) {
      if (value !== null && !known.includes(name) && !everywhere.includes(name)) this.all.add(path, name);
    }
  }

  lookAtBlocks(path: string, blocks: readonly JsonObject[]): void {
    for (const block of blocks) {
      this.look(path, block, blockMembers.get(block["type"]) ?? []);
      if (block["type"] === "tool_result") this.lookAtBlocks(`${path}.content[]`, listBlocks(block["content"]));
    }
  }
}
