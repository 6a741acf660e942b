import { Template } from "@huggingface/jinja";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { printPython, type Printing } from "./python-json.ts";

/**
 * Templates of our own in the manner of three families. What they print as JSON comes printed (`printPython`), since
 * the port of Jinja writes numbers as JavaScript does and an engine as Python does.
 */
const templates = {
  /** Tools in a system message, calls as JSON in marks, results as they are. */
  chatml: new Template(`{{ open }}system
You are a model.{% if tools %}

# Tools
{% for tool in tools %}{{ tool }}
{% endfor %}{% endif %}{% for document in documents %}
Document {{ loop.index }}: {{ document }}{% endfor %}{{ kwargs }}{{ response_format }}{{ close }}
{% for message in messages %}{{ open }}{{ message.role }}
{% if message.reasoning %}<think>
{{ message.reasoning }}
</think>
{% endif %}{{ message.content }}{% for call in message.tool_calls %}
<tool_call>
{"name": "{{ call.name }}", "arguments": {{ call.arguments }}}
</tool_call>{% endfor %}{{ close }}
{% endfor %}{{ open }}assistant
`),
  /** Tools before what the user says, calls by name, results as JSON strings. */
  quoting: new Template(`{% for message in messages %}{{ open }}{{ message.role }}

{% if loop.first %}Answer with a call of one of these:
{% for tool in tools %}{{ tool }}

{% endfor %}{{ documents | join("\n") }}{{ kwargs }}{{ response_format }}{% endif %}
{{- message.reasoning }}{% if message.role == "tool" %}{{ message.printed }}{% else %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls %}{"name": {{ call.quoted }}, "parameters": {{ call.arguments }}}{% endfor %}
{{- close }}{% endfor %}{{ open }}assistant

`),
  /** Calls and tools member by member, each between marks. */
  tagging: new Template(`{% for tool in tools %}{{ open }}{{ tool }}{{ close }}{% endfor %}
{%- for document in documents %}{{ open }}{{ document }}{{ close }}{% endfor %}{{ kwargs }}{{ response_format }}
{%- for message in messages %}{{ open }}{{ message.role }}
{{ message.reasoning }}{{ message.content }}{% for call in message.tool_calls %}{{ open }}{{ call.name }}
{% for member in call.members %}{{ open }}{{ member.name }}{{ close }}
{{ open }}{{ member.value }}{{ close }}
{% endfor %}{{ close }}{% endfor %}{{ close }}{% endfor %}{{ open }}assistant
`),
} as const;
export type TemplateName = keyof typeof templates;
export const templateNames: readonly TemplateName[] = ["chatml", "quoting", "tagging"];

export interface Rendering {
  template: TemplateName;
  printing: Printing;
  /** The tokenizer's own marks, which a template puts around a message. */
  open: string;
  close: string;
}

/** The prompt that an engine makes of a chat's body, given as JSON text. */
export function renderChat(json: string, { template, printing, open, close }: Rendering): string {
  const body = readObject(parseExact(json));
  const inLine = { ...printing, indent: 0 };
  const print = (value: unknown) => (value === undefined ? "" : printPython(value, printing));
  const printAll = (values: unknown) => (Array.isArray(values) ? values.map(print) : []);
  return templates[template].render({
    open,
    close,
    tools: printAll(body["tools"]),
    documents: printAll(body["documents"]),
    kwargs: print(body["chat_template_kwargs"]),
    response_format: print(body["response_format"]),
    messages: readList(body["messages"]).map((message) => prepareMessage(message, inLine)),
  });
}

/** vLLM joins the parts of a message and parses the arguments of its calls, before a template sees it. */
function prepareMessage(message: JsonObject, printing: Printing): JsonObject {
  const said = message["content"];
  const content =
    typeof said === "string"
      ? said
      : readList(said)
          .map((part) => String(part["text"]))
          .join("\n");
  return {
    role: message["role"],
    content,
    printed: reprint(content, printing),
    reasoning: message["reasoning_content"] ?? "",
    tool_calls: readList(message["tool_calls"]).map((call) => prepareCall(readObject(call["function"]), printing)),
  };
}

function prepareCall(called: JsonObject, printing: Printing): JsonObject {
  const given = readObject(parseExact(String(called["arguments"])));
  const members = Object.entries(given).map(([name, value]) => ({
    name,
    value: typeof value === "string" ? value : printPython(value, printing),
  }));
  return {
    name: called["name"],
    quoted: printPython(called["name"], printing),
    arguments: printPython(given, printing),
    members,
  };
}

/** What Mistral's encoder does with a tool's result: parse it where that can be, and print it. */
function reprint(content: string, printing: Printing): string {
  if (!/^\s*[[{]/.test(content)) return printPython(content, printing);
  try {
    return printPython(parseExact(content), printing);
  } catch {
    return printPython(content, printing);
  }
}

function readObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function readList(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(readObject) : [];
}
