import { expect, test } from "vitest";
import { listOffered, nameForEngine } from "#edge/protocol/openai/responses/tool-names.ts";

const read = { type: "function", name: "read" };
const patch = { type: "custom", name: "apply_patch" };

test("an engine's name has the namespace in it", () => {
  expect(nameForEngine("read", null)).toBe("read");
  expect(nameForEngine("read", "files")).toBe("files__read");
});

test("tools are listed one by one, each with where it stands", () => {
  const tools = [read, { type: "namespace", name: "files", tools: [patch, read] }];
  expect(listOffered(tools)).toEqual([
    { ...read, namespace: null, engineName: "read", path: "tools[0]", sent: read },
    { ...patch, namespace: "files", engineName: "files__apply_patch", path: "tools[1].tools[0]", sent: patch },
    { ...read, namespace: "files", engineName: "files__read", path: "tools[1].tools[1]", sent: read },
  ]);
});

test("what is no such tool is left out, and the others keep their places", () => {
  const strange = [null, 1, "read", { type: "web_search" }, { type: "function" }, { type: "namespace", tools: [read] }];
  expect(listOffered([...strange, { type: "namespace", name: "x", tools: {} }, read])).toMatchObject([
    { engineName: "read", path: "tools[7]" },
  ]);
  for (const tools of [undefined, null, {}, "read"]) expect(listOffered(tools)).toEqual([]);
});
