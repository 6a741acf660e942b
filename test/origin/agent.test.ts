import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeHop } from "#edge/agreements/tokens/hop.ts";
import {
  chunk,
  openStream,
  startFakeEngine,
  textChunks,
  streamChunks,
  usage,
  type FakeEngine,
} from "#test/support/fakes/fake-engine.ts";
import {
  configFor,
  eventsOf,
  hopClaims,
  makeKeys,
  readAnswer,
  send,
  sha256,
  startFakeEdge,
  until,
  type FakeEdge,
  type Keys,
} from "#test/support/fakes/origin.ts";

const entry = join(import.meta.dirname, "../../origin/agent.ts");
let engine: FakeEngine;
let edge: FakeEdge;
let keys: Keys;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  engine = await startFakeEngine();
  keys = makeKeys();
  edge = await startFakeEdge(keys);
});
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  edge.answer = () => 200;
});
afterAll(async () => {
  await engine.close();
  await edge.close();
});

function writeConfig(limits: Record<string, number> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "agent-process-"));
  const file = join(directory, "agent.json");
  writeFileSync(
    file,
    JSON.stringify({
      ...configFor(keys, edge.url, engine.url, join(directory, "state")),
      limits: { pollMs: 50, ...limits },
    }),
  );
  chmodSync(file, 0o600);
  return file;
}

interface Process {
  child: ChildProcess;
  url: string;
  stderr: () => string;
  exit: Promise<number | null>;
}

async function start(args: string[], env: Record<string, string> = {}): Promise<Process> {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let out = "";
  let errors = "";
  child.stdout?.on("data", (piece) => (out += piece));
  child.stderr?.on("data", (piece) => (errors += piece));
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  await Promise.race([exit, until(() => out.includes("\n"), 20_000)]);
  const url = out.startsWith("ready ") ? JSON.parse(out.slice(6)).url : "";
  if (url) {
    for (let tries = 0; tries < 200 && (await fetch(`${url}/readyz`)).status !== 200; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { child, url, stderr: () => errors, exit };
}

async function stream(url: string) {
  const body = JSON.stringify({
    model: "public",
    stream: true,
    messages: [{ role: "user", content: "a secret prompt" }],
  });
  const claims = hopClaims({ bodySha256: sha256(body) });
  const request = send(`${url}/v1/chat/completions`, body, makeHop(claims, keys.hop));
  const answer = new Promise<Awaited<ReturnType<typeof readAnswer>>>((resolve, reject) => {
    request.on("response", (response) => void readAnswer(response).then(resolve)).on("error", reject);
  });
  return { answer, hold: claims.hold };
}

describe("the agent as a process", () => {
  test("says that it is ready, serves, logs no prompt and no token, and exits on SIGTERM", async () => {
    engine.script = (response) => streamChunks(response, textChunks(["a"]));
    const agent = await start(["--config", writeConfig()]);
    const { answer, hold } = await stream(agent.url);
    expect(eventsOf((await answer).text).at(-1)).toBe("[DONE]");
    agent.child.kill("SIGTERM");
    expect(await agent.exit).toBe(0);
    expect(edge.finals().some((record) => record.hold === hold)).toBe(true);
    expect(agent.stderr()).toContain(hold);
    expect(agent.stderr()).not.toMatch(/a secret prompt|eyJ/);
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ["nothing", [], {}, "config_missing"],
    ["a file that is not there", ["--config", "/nowhere.json"], {}, "config_unreadable"],
    ["variables that are not enough", [], { PENSTOCK_NODE: "node_a" }, "config_invalid"],
  ])("given %s it exits with 78, one named line, and no stack", async (_, args, env, name) => {
    const agent = await start(args, env);
    expect(await agent.exit).toBe(78);
    expect(agent.stderr()).toMatch(new RegExp(`^${name}: .+\n$`));
  });

  test("two agents do not share a state directory", async () => {
    const file = writeConfig();
    await start(["--config", file]);
    const second = await start(["--config", file]);
    expect(await second.exit).toBe(78);
    expect(second.stderr()).toContain("state_dir_in_use");
  });

  test("killed with SIGKILL after the last byte, it delivers the record when it starts again", async () => {
    engine.script = (response) => streamChunks(response, textChunks(["a", "b"]));
    edge.answer = () => 503;
    const file = writeConfig();
    const agent = await start(["--config", file]);
    const calls = await Promise.all(Array.from({ length: 10 }, () => stream(agent.url)));
    for (const { answer } of calls) expect(eventsOf((await answer).text).at(-1)).toBe("[DONE]");
    agent.child.kill("SIGKILL");
    await agent.exit;
    edge.answer = () => 200;
    await start(["--config", file]);
    await until(() => calls.every(({ hold }) => edge.finals().some((record) => record.hold === hold)));
    for (const { hold } of calls)
      expect(edge.finals().find((record) => record.hold === hold)).toMatchObject({
        promptTokens: 7,
        completionTokens: 2,
      });
  });

  test("SIGTERM refuses new calls, lets a stream finish, and then exits", async () => {
    engine.script = (response) => streamChunks(response, textChunks(Array.from({ length: 20 }, () => "x")), 30);
    const agent = await start(["--config", writeConfig({ drainMsMax: 10_000 })]);
    const { answer } = await stream(agent.url);
    await until(() => engine.calls.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    agent.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await (await stream(agent.url)).answer;
    expect([refused.status, refused.headers["x-penstock-node-state"]]).toEqual([503, "draining"]);
    expect(eventsOf((await answer).text).at(-1)).toBe("[DONE]");
    expect(await agent.exit).toBe(0);
  });

  test("a second SIGTERM cuts what is left, reports it to the caller, bills it, and exits within 2 s", async () => {
    engine.script = (response) => {
      openStream(response);
      for (let at = 1; at <= 3; at++) response.write(chunk("x", usage(7, at)));
    };
    const agent = await start(["--config", writeConfig({ drainMsMax: 60_000 })]);
    const { answer, hold } = await stream(agent.url);
    await new Promise((resolve) => setTimeout(resolve, 200));
    agent.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const atMs = performance.now();
    agent.child.kill("SIGTERM");
    const { text } = await answer;
    expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("stream_broken");
    expect(await agent.exit).toBe(0);
    expect(performance.now() - atMs).toBeLessThan(2_000);
    expect(edge.finals().find((record) => record.hold === hold)).toMatchObject({
      completionTokens: 3,
      outcome: "failed",
    });
  });
});
