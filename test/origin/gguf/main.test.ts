import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readGgufFlags } from "#origin/gguf/main.ts";

const file = join(mkdtempSync(join(tmpdir(), "gguf-")), "Tiny-Q4.gguf");
writeFileSync(file, "not a model");

test("a model is called by its file, unless it is given a name", () => {
  expect(readGgufFlags(["--model", file])).toEqual({
    model: file,
    name: "Tiny-Q4",
    contextTokens: 8_192,
    host: "127.0.0.1",
    port: 0,
  });
  expect(
    readGgufFlags(["--model", file, "--name", "chat", "--host", "::1", "--port", "8100", "--context", "512"]),
  ).toMatchObject({ name: "chat", contextTokens: 512, host: "::1", port: 8_100 });
});

test.each<[string[], string]>([
  [[], "config_missing"],
  [["--model", "/nowhere.gguf"], "config_unreadable"],
  [["--model", file, "--port", "x"], "config_invalid"],
  [["--model", file, "--port", ""], "config_invalid"],
  [["--model", file, "--context", "10"], "config_invalid"],
])("%j is refused as %s", (args, name) => {
  expect(() => readGgufFlags(args)).toThrow(expect.objectContaining({ name }));
});

test("as a process it says what is wrong in one line, and ends with EX_CONFIG", () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "../../../origin/gguf/main.ts"), "--model", "/nowhere.gguf"],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([78, "gguf: there is no file /nowhere.gguf\n"]);
});
