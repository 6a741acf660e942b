import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { isAlive, treeOf } from "#test/support/stack/processes.ts";

const stateDir = mkdtempSync(join(tmpdir(), "penstock-dev-"));
const running = new Set<ChildProcess>();

interface Dev {
  ready: { edge: string; org: string; key: string; adminKey: string; agents: { id: string; pid: number }[] };
  output: string;
  child: ChildProcess;
  gone: Promise<number | null>;
}

function startDev(...flags: string[]): Promise<Dev> {
  const child = spawn(process.execPath, ["infra/local/dev.ts", "--state", stateDir, "--port", "0", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const gone = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return new Promise((resolve, reject) => {
    let output = "";
    let logs = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const line = /^ready (\{.*\})$/m.exec(output)?.[1];
      if (line) resolve({ ready: JSON.parse(line), output, child, gone });
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (logs += text));
    void gone.then(() => reject(new Error(`dev stopped: ${logs}`)));
  });
}

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

const ask = ({ ready }: Dev) =>
  new OpenAI({ baseURL: `${ready.edge}/v1`, apiKey: ready.key, maxRetries: 0 }).chat.completions.create({
    model: "chat",
    messages: [{ role: "user", content: "hi" }],
    max_tokens: 3,
  });

test("one command brings up the whole road, prints what is where, and its last line is machine-readable", async () => {
  const dev = await startDev();
  expect(Object.keys(dev.ready)).toEqual(["edge", "org", "key", "adminKey", "agents"]);
  expect(dev.ready.agents).toHaveLength(2);
  expect(dev.output).toContain(`curl ${dev.ready.edge}/v1/chat/completions`);
  expect(dev.output).toContain(`new OpenAI({ baseURL: "${dev.ready.edge}/v1"`);
  expect(dev.output.trimEnd().split("\n").at(-1)).toMatch(/^ready /);
  expect((await ask(dev)).usage?.completion_tokens).toBe(3);

  const pids = treeOf(dev.child.pid!);
  expect(pids.length).toBeGreaterThan(5);
  const startedAtMs = Date.now();
  dev.child.kill("SIGTERM");
  expect(await dev.gone).toBe(0);
  expect(Date.now() - startedAtMs).toBeLessThan(2_000);
  // The bundler's own process ends when it finds its parent gone, a moment later; all are gone within the two seconds.
  await expect
    .poll(() => pids.filter(isAlive), { timeout: Math.max(1, 2_000 - (Date.now() - startedAtMs)), interval: 20 })
    .toEqual([]);
});

test("state survives a restart, and kill -9 of the whole stack", async () => {
  const first = await startDev("--quiet");
  expect(first.output.trim().split("\n")).toHaveLength(1);
  const usedBefore = await ask(first);
  expect(usedBefore.usage?.completion_tokens).toBe(3);
  first.child.kill("SIGINT");
  await first.gone;
  const second = await startDev("--quiet");
  expect(second.ready.key).toBe(first.ready.key);
  const pids = treeOf(second.child.pid!);
  await ask(second);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await second.gone;
  const third = await startDev("--quiet");
  expect(third.ready.org).toBe(first.ready.org);
  const ledger = await fetch(`${third.ready.edge}/control/orgs/${third.ready.org}/ledger`, {
    headers: { authorization: `Bearer ${third.ready.adminKey}` },
  });
  const { windows } = (await ledger.json()) as { windows: { window: string; settled: number; held: number }[] };
  expect(windows.find(({ window }) => window === "requestsPerDay")).toMatchObject({
    settled: 3 - windows.find(({ window }) => window === "requestsPerDay")!.held,
  });
  expect((await ask(third)).usage?.completion_tokens).toBe(3);
});

test("when only the command itself is killed its processes go with it, and the next start is not in their way", async () => {
  const dev = await startDev("--quiet");
  const pids = treeOf(dev.child.pid!);
  dev.child.kill("SIGKILL");
  await dev.gone;
  const next = await startDev("--quiet");
  expect((await ask(next)).usage?.completion_tokens).toBe(3);
  expect(pids.filter(isAlive)).toEqual([]);
});

test("--fresh forgets, a second stack on the same state is refused, and nonsense is explained", async () => {
  const first = await startDev("--quiet");
  await expect(startDev("--quiet")).rejects.toThrow(/runs on .* already/);
  first.child.kill("SIGTERM");
  await first.gone;
  const fresh = await startDev("--quiet", "--fresh");
  expect(fresh.ready.org).not.toBe(first.ready.org);
  await expect(startDev("--port", "x")).rejects.toThrow(/--port must be/);
  await expect(startDev("--nonsense")).rejects.toThrow(/Unknown option '--nonsense'/);
  fresh.child.kill("SIGTERM");
  await fresh.gone;
  rmSync(stateDir, { recursive: true, force: true });
});
