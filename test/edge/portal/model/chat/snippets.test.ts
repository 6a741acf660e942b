import { spawnSync } from "node:child_process";
import { expect, test, vi } from "vitest";
import { languages, writeSnippet } from "#edge/portal/model/chat/snippets.ts";

vi.stubGlobal("portalPaths", { chat: "/v1/chat/completions" });

const nasty = `it's "quoted" \`ticked\` $HOME \\ ${"\n"}line`;
const call = {
  edge: "https://gateway.example.test",
  key: "sk-pen-YOUR-KEY-HERE",
  model: "chat",
  messages: [{ role: "user", content: nasty }],
  settings: { temperature: 0.5, top_k: 3 },
};

test("curl as pasted into a shell sends exactly the body", () => {
  const script = writeSnippet("curl", call).replace(/^curl /, "printf '%s\\0' ");
  const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  const words = stdout.split("\0");
  expect(words[0]).toBe("https://gateway.example.test/v1/chat/completions");
  expect(JSON.parse(words[words.indexOf("-d") + 1] ?? "")).toEqual({
    model: "chat",
    messages: call.messages,
    temperature: 0.5,
    top_k: 3,
  });
});

test("Python parses, and has what its package does not know in extra_body", () => {
  const code = writeSnippet("python", call);
  const { status, stderr } = spawnSync("python3", ["-c", "import ast,sys; ast.parse(sys.stdin.read())"], {
    input: code,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(code).toMatch(/temperature=0\.5,[^]*extra_body=\{"top_k": 3\},/);
});

test("Go and Java carry the body to the letter, whatever quotes it has", () => {
  const go = writeSnippet("go", call);
  const raw = /NewReader\((.*)\)\n\trequest, err/s.exec(go)?.[1] ?? "";
  const parts = raw.split(' + "`" + ').map((part) => part.slice(1, -1));
  expect(JSON.parse(parts.join("`")).messages).toEqual(call.messages);
  const java = writeSnippet("java", call);
  const lines = [...java.matchAll(/^(?: {4}String body = | {6}\+ )("(?:[^"\\]|\\.)*")/gm)].map(([, text = ""]) => text);
  expect(JSON.parse(lines.map((text): string => JSON.parse(text)).join("")).messages).toEqual(call.messages);
});

test("every language names the key and the address; an unknown one is curl", () => {
  for (const { id } of languages) {
    const code = writeSnippet(id, call);
    expect(code).toContain("sk-pen-YOUR-KEY-HERE");
    expect(code).toContain("https://gateway.example.test/v1");
  }
  expect(writeSnippet("cobol", call)).toBe(writeSnippet("curl", call));
});
