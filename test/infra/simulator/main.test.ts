import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { readOptions } from "#infra/simulator/main.ts";
import type { SimulatorOptions } from "#infra/simulator/options.ts";

test("flags become options; models come with their aliases", () => {
  const options = readOptions([
    "--port",
    "0",
    "--model",
    "a/b,chat",
    "--embedding-model",
    "e",
    "--step-ms",
    "5",
    "--max-num-queued-reqs",
    "none",
  ]);
  expect(options).toEqual({
    port: 0,
    models: [{ names: ["a/b", "chat"] }, { names: ["e"], output: "vectors" }],
    profile: { stepMs: 5, maxQueued: null },
  } satisfies SimulatorOptions);
});

test("a model may have a context, media and reasoning of its own", () => {
  const { models } = readOptions(["--model", "a/b,chat", "--model", "c", "--model-context", "a/b=131072"]);
  expect(models).toEqual([{ names: ["a/b", "chat"], contextTokens: 131_072 }, { names: ["c"] }]);
  expect(readOptions(["--model", "a", "--media-tokens", "a=170", "--thinking-tokens", "a=8"]).models).toEqual([
    { names: ["a"], mediaTokens: 170, thinkingTokens: 8 },
  ]);
  for (const wrong of ["a/b", "a/b=x", "=5", "other=5"])
    expect(() => readOptions(["--model", "a/b", "--model-context", wrong])).toThrow("--model-context");
});

test("a number that is none, a model without a name and an unknown flag are refused", () => {
  for (const args of [["--step-ms", "fast"], ["--port", ""], ["--model", " ,"], ["--wat"]])
    expect(() => readOptions(args)).toThrow();
});

test("the process says where it listens, stops at once on SIGTERM, and dies of a kill fault", async () => {
  for (const end of ["SIGTERM", "kill"] as const) {
    const child = spawn(process.execPath, ["infra/simulator/main.ts", "--port", "0", "--step-ms", "0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { url } = JSON.parse(line.toString().replace(/^ready /, "")) as { url: string };
    const exited = once(child, "exit");
    const said: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => said.push(bytes));
    if (end === "SIGTERM") child.kill("SIGTERM");
    else {
      await fetch(`${url}/sim/faults`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"kind":"kill","afterChunks":2}',
      });
      await fetch(`${url}/v1/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"prompt":"x","stream":true}',
      })
        .then((response) => response.text())
        .catch(() => {});
    }
    expect(await exited).toEqual(end === "SIGTERM" ? [0, null] : [137, null]);
    // Two chunks of a token each: its last word is what it had made.
    const word = Buffer.concat(said).toString();
    if (end === "SIGTERM") expect(word).toBe("");
    else {
      expect(word).toMatch(/^killed /);
      expect(JSON.parse(word.slice(7))).toMatchObject({ records: [{ emittedTokens: 2, outcome: "failed" }] });
    }
  }
});
