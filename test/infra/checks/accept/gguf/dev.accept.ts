import { exec, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import OpenAI from "openai";
import { expect, test } from "vitest";
import { isAlive, treeOf } from "#test/support/stack/processes.ts";
import { note } from "#test/infra/checks/accept/engines.ts";
import { modelFile } from "./gguf-world.ts";

const story = { model: "chat", messages: [{ role: "user" as const, content: "Tell me a story" }] };

test("`npm run dev -- --gguf FILE` serves its curl line and the SDK, and Ctrl-C leaves nothing behind", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-gguf-"));
  const child = spawn(
    process.execPath,
    ["infra/local/dev.ts", "--state", stateDir, "--port", "0", "--gguf", modelFile()],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (errors += text));
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    const readyLine = () => /^ready (\{.*\})$/m.exec(output)?.[1];
    for (const endMs = Date.now() + 200_000; !readyLine() && child.exitCode === null && Date.now() < endMs;)
      await sleep(100);
    const ready: { edge: string; key: string } = JSON.parse(readyLine() ?? `"nothing: ${errors}"`);
    const curl = /curl [^\n]+ \\\n[^\n]+\\\n[^\n]+/
      .exec(output)![0]
      .replace('"stream":true', '"stream":true,"max_tokens":8');
    const { stdout } = await promisify(exec)(curl);
    expect(stdout).toMatch(/"delta":\{"content":"/);
    expect(stdout).toMatch(/data: \[DONE\]\n\n$/);
    // An engine without metrics was taken for stuck after 20 s.
    await sleep(25_000);
    expect((await fetch(`${ready.edge}/health`)).status).toBe(200);
    const openai = new OpenAI({ baseURL: `${ready.edge}/v1`, apiKey: ready.key, maxRetries: 0 });
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(["gemma-3-270m-q4_k_m"]);
    expect((await openai.chat.completions.create({ ...story, max_tokens: 3 })).usage!.completion_tokens).toBe(3);
    const endless = await openai.chat.completions.create({ ...story, stream: true, max_tokens: 500 });
    endless[Symbol.asyncIterator]()
      .next()
      .catch(() => undefined);
    await sleep(1_000);
    const pids = treeOf(child.pid!);
    expect(pids.length).toBeGreaterThan(5);
    const startedAtMs = Date.now();
    child.kill("SIGINT");
    expect(await gone).toBe(0);
    await expect.poll(() => pids.filter(isAlive), { timeout: 2_000, interval: 20 }).toEqual([]);
    note("llama.cpp: Ctrl-C in mid-stream", `all ${pids.length} processes gone after ${Date.now() - startedAtMs} ms`);
  } finally {
    child.kill("SIGKILL");
    rmSync(stateDir, { recursive: true, force: true });
  }
});
