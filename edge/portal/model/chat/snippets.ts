/** A chat call as people paste it: where, with which key, what. */
export interface SnippetCall {
  edge: string;
  key: string;
  model: string;
  messages: readonly { role: string; content: unknown }[];
  settings?: Record<string, unknown>;
}

/** The languages of the snippets, in the order of their tabs. */
export const languages = [
  { id: "curl", title: "curl" },
  { id: "python", title: "Python" },
  { id: "typescript", title: "TypeScript" },
  { id: "go", title: "Go" },
  { id: "java", title: "Java" },
] as const;

/** The call in a language (`languages`), whole: pasted, it works. An unknown language is curl. */
export function writeSnippet(language: string, call: SnippetCall): string {
  const body = JSON.stringify({ model: call.model, messages: call.messages, ...call.settings }, null, 2);
  const url = call.edge + portalPaths.chat;
  if (language === "python") return writePython(call);
  if (language === "typescript") return writeTypeScript(call, body);
  if (language === "go") return writeGo(url, call.key, body);
  if (language === "java") return writeJava(url, call.key, body);
  return `curl ${quoteShell(url)} \\
  -H ${quoteShell(`Authorization: Bearer ${call.key}`)} \\
  -H 'Content-Type: application/json' \\
  -d ${quoteShell(body)}`;
}

function quoteShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON as Python writes it; strings are the same in both. */
function toPython(value: unknown, indent: string): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  const deeper = `${indent}    `;
  if (Array.isArray(value)) {
    return value.length === 0
      ? "[]"
      : `[\n${value.map((item) => `${deeper}${toPython(item, deeper)},\n`).join("")}${indent}]`;
  }
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}: ${toPython(item, deeper)}`)
    .join(", ")}}`;
}

/** What OpenAI's package for Python takes by name; everything else goes beside. */
const pythonNames = new Set(["temperature", "top_p", "max_tokens", "stream", "stop", "seed", "stream_options"]);

function writePython({ edge, key, model, messages, settings = {} }: SnippetCall): string {
  const known = Object.entries(settings).filter(([name]) => pythonNames.has(name));
  const others = Object.entries(settings).filter(([name]) => !pythonNames.has(name));
  const lines = [
    `    model=${JSON.stringify(model)},`,
    `    messages=${toPython(messages, "    ")},`,
    ...known.map(([name, value]) => `    ${name}=${toPython(value, "    ")},`),
    ...(others.length > 0 ? [`    extra_body=${toPython(Object.fromEntries(others), "    ")},`] : []),
  ];
  return `# pip install openai
from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(`${edge}/v1`)}, api_key=${JSON.stringify(key)})
answer = client.chat.completions.create(
${lines.join("\n")}
)
print(answer.choices[0].message.content)`;
}

function writeTypeScript({ edge, key }: SnippetCall, body: string): string {
  return `// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(`${edge}/v1`)}, apiKey: ${JSON.stringify(key)} });
const answer = await client.chat.completions.create(${body});
console.log(answer.choices[0]?.message.content);`;
}

/** Go's raw strings end at a backquote, which is therefore joined in. */
function quoteGo(text: string): string {
  return `\`${text.replaceAll("`", '` + "`" + `')}\``;
}

function writeGo(url: string, key: string, body: string): string {
  return `package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

func main() {
	body := strings.NewReader(${quoteGo(body)})
	request, err := http.NewRequest("POST", ${JSON.stringify(url)}, body)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", ${JSON.stringify(`Bearer ${key}`)})
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	fmt.Println(string(answer))
}`;
}

function writeJava(url: string, key: string, body: string): string {
  const lines = body.split("\n").map((line) => JSON.stringify(`${line}\n`));
  return `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Main {
  public static void main(String[] args) throws Exception {
    String body = ${lines.join("\n      + ")};
    HttpRequest request = HttpRequest.newBuilder(URI.create(${JSON.stringify(url)}))
      .header("Authorization", ${JSON.stringify(`Bearer ${key}`)})
      .header("Content-Type", "application/json")
      .POST(HttpRequest.BodyPublishers.ofString(body))
      .build();
    HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    System.out.println(response.body());
  }
}`;
}
