import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { openBrowser } from "#test/support/people/browser.ts";
import { isAlive, treeOf } from "#test/support/stack/processes.ts";

const stateDir = mkdtempSync(join(tmpdir(), "penstock-dev-"));
const running = new Set<ChildProcess>();

interface Dev {
  ready: { edge: string; org: string; key: string; adminKey: string; agents: { id: string; pid: number }[] };
  output: string;
  /** What stands on stderr so far. */
  readLog(): string;
  child: ChildProcess;
  gone: Promise<number | null>;
}

const startDev = (...flags: string[]) => start(process.execPath, ["infra/local/dev.ts"], flags);

/** As people start it. */
const startByNpm = (...flags: string[]) => start("npm", ["run", "dev", "--silent", "--"], flags);

function start(command: string, args: string[], flags: string[]): Promise<Dev> {
  const child = spawn(command, [...args, "--state", stateDir, "--port", "0", ...flags], {
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
      if (line) resolve({ ready: JSON.parse(line), output, readLog: () => logs, child, gone });
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
  expect(dev.readLog()).toBe("");
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

test("state survives a restart, and kill -9 of the whole stack", { timeout: 120_000 }, async () => {
  const first = await startDev("--quiet", "--fresh");
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
    settled: 2 - windows.find(({ window }) => window === "requestsPerDay")!.held,
  });
  expect((await ask(third)).usage?.completion_tokens).toBe(3);
});

test("--demo has orgs with people and a past at work, which the next start leaves as it is", async () => {
  const first = await startDev("--fresh", "--demo", "--days", "2");
  const { edge, adminKey } = first.ready;
  const read = async (path: string, headers: Record<string, string> = { authorization: `Bearer ${adminKey}` }) =>
    (await fetch(`${edge}/control${path}`, { headers })).json();
  const { orgs } = await read("/orgs");
  expect(
    orgs
      .map(({ name }: { name: string }) => name)
      .slice(0, 3)
      .toSorted(),
  ).toEqual(["Harbour Library", "Night Shift Bakery", "Salt Water Research"]);
  const org = orgs.find(({ name }: { name: string }) => name.startsWith("Salt")).id;
  const { members } = await read(`/orgs/${org}/members`);
  const roles = members.map(({ role }: { role: string }) => role).toSorted();
  expect(roles).toEqual(["admin", "billing", "developer", "owner", "viewer"]);
  for (const { email } of members) expect(first.output).toContain(email.split("@")[0]);
  const billing = openBrowser(edge);
  expect((await billing.signIn("billing@salt-water.example.test")).body).toMatchObject({ status: "signed_in" });
  const { budgets } = await read(`/orgs/${org}/budgets`, { cookie: billing.cookie() });
  expect(budgets).toHaveLength(2);
  expect(budgets.every(({ spentMicros }: { spentMicros: number }) => spentMicros > 0)).toBe(true);
  const [webhook] = (await read(`/orgs/${org}/webhooks`)).webhooks;
  const isDelivered = ({ status }: { status: string }) => status === "delivered";
  await expect
    .poll(async () => (await read(`/orgs/${org}/webhooks/${webhook.id}/deliveries`)).deliveries.some(isDelivered))
    .toBe(true);
  // A month has cost the same by its days, by its statement and call by call; meanwhile more calls come.
  const month = new Date().toISOString().slice(0, 7);
  const sumCalls = async () => {
    const text = await fetchText(`${edge}/control/orgs/${org}/usage/export?format=jsonl&from=${month}-01`, adminKey);
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return lines.reduce((sum: number, { costMicros }: { costMicros: number }) => sum + costMicros, 0);
  };
  const readCosts = async () => [
    (await read(`/orgs/${org}/costs?month=${month}`)).spentMicros,
    (await read(`/orgs/${org}/statements/${month}`)).totals.costMicros,
    await sumCalls(),
  ];
  await expect.poll(async () => new Set(await readCosts()).size).toBe(1);
  const [spent] = await readCosts();
  await expect.poll(async () => (await readCosts())[0], { timeout: 30_000 }).toBeGreaterThan(spent);
  const { entries: before } = await read(`/orgs/${org}/audit`);
  first.child.kill("SIGTERM");
  await first.gone;

  const next = await startDev("--demo");
  expect(next.output).toContain("0 calls were written into their past");
  expect(next.readLog()).toBe("");
  const again = await fetchText(`${next.ready.edge}/control/orgs/${org}/audit`, next.ready.adminKey);
  expect(JSON.parse(again).entries).toEqual(before);
  expect(JSON.parse(await fetchText(`${next.ready.edge}/control/orgs`, next.ready.adminKey)).orgs).toHaveLength(
    orgs.length,
  );
  next.child.kill("SIGTERM");
  await next.gone;
});

const fetchText = async (url: string, key: string) =>
  (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).text();

test.each(["SIGKILL", "SIGHUP"] as const)(
  "after %s to the command itself all of its processes are gone within two seconds",
  async (signal) => {
    const dev = await startDev("--quiet");
    const pids = treeOf(dev.child.pid!);
    expect(pids.length).toBeGreaterThan(5);
    dev.child.kill(signal);
    await expect.poll(() => pids.filter(isAlive), { timeout: 2_000, interval: 20 }).toEqual([]);
  },
);

test.each(["SIGTERM", "SIGKILL"] as const)(
  "after %s to npm all processes are gone within two seconds, and the next start finds the state in order",
  async (signal) => {
    const dev = await startByNpm("--quiet");
    const pids = treeOf(dev.child.pid!);
    expect(pids.length).toBeGreaterThan(6);
    dev.child.kill(signal);
    await expect.poll(() => pids.filter(isAlive), { timeout: 2_000, interval: 20 }).toEqual([]);
    const next = await startDev("--quiet");
    expect((await ask(next)).usage?.completion_tokens).toBe(3);
    next.child.kill("SIGTERM");
    await next.gone;
  },
);

test("the chat models take what an agent brings; --context makes them smaller, and both sides hold it", async () => {
  const say = (words: number) => [{ role: "user" as const, content: "word ".repeat(words) }];
  const call = ({ ready }: Dev, words: number) =>
    fetch(`${ready.edge}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${ready.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "chat", messages: say(words), max_tokens: 1 }),
    });
  const small = await startDev("--quiet", "--context", "1024");
  const engines = JSON.parse(
    await (
      await fetch(`${small.ready.edge}/v1/models`, { headers: { authorization: `Bearer ${small.ready.key}` } })
    ).text(),
  );
  expect(JSON.stringify(engines)).toContain("1024");
  expect((await call(small, 900)).status).toBe(200);
  const refused = await call(small, 1_200);
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: "context_length_exceeded" } }]);
  small.child.kill("SIGTERM");
  await small.gone;
});

test("--fresh forgets, a second stack on the same state is refused, and nonsense is explained", async () => {
  const first = await startDev("--quiet");
  await expect(startDev("--quiet")).rejects.toThrow(/runs on .* already/);
  const { port } = new URL(first.ready.edge);
  const elsewhere = mkdtempSync(join(tmpdir(), "penstock-dev-"));
  await expect(startDev("--state", elsewhere, "--port", port)).rejects.toThrow(`127.0.0.1:${port}: stop what listens`);
  first.child.kill("SIGTERM");
  await first.gone;
  const fresh = await startDev("--quiet", "--fresh");
  expect(fresh.ready.org).not.toBe(first.ready.org);
  await expect(startDev("--context", "few")).rejects.toThrow(/--context must be a number of tokens/);
  await expect(startDev("--port", "x")).rejects.toThrow(/--port must be/);
  await expect(startDev("--nonsense")).rejects.toThrow(/Unknown option '--nonsense'/);
  fresh.child.kill("SIGTERM");
  await fresh.gone;
  // Not sooner: what had started beside the taken port may write there until it has ended.
  rmSync(elsewhere, { recursive: true, force: true });
  rmSync(stateDir, { recursive: true, force: true });
});
