import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configFor, makeKeys, until } from "#test/support/fakes/origin.ts";
import { isAlive } from "#test/support/stack/processes.ts";

const root = join(import.meta.dirname, "../..");
const simulator = `'${process.execPath}' '${join(root, "infra/simulator/main.ts")}'`;
const keys = makeKeys();
const servers = new Set<Server>();
let folder = "";
let ports: { engine: number; agent: number };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "penstock-start-all-"));
  const taken = [await listen(0), await listen(0)];
  const [engine = 0, agent = 0] = taken.map(portOn);
  ports = { engine, agent };
  for (const server of taken) await close(server);
});
afterEach(async () => {
  await run("stop-all.sh", "--now");
  for (const server of servers) await close(server);
  rmSync(folder, { recursive: true });
});

/** A process that is not the node's own, and says yes to everything. */
async function listen(port: number, beforeAnswer: () => Promise<void> = async () => {}): Promise<Server> {
  const server = createServer((_, response) => void beforeAnswer().then(() => response.end("{}")));
  servers.add(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const portOn = (server: Server) => (server.address() as AddressInfo).port;

async function close(server: Server): Promise<void> {
  servers.delete(server);
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function writeFiles(engineCommand = `${simulator} --port ${ports.engine} --model engine/name`): void {
  const [agentFile, envFile] = [join(folder, "agent.json"), join(folder, "node.env")];
  const engineUrl = `http://127.0.0.1:${ports.engine}`;
  const config = configFor(keys, "http://127.0.0.1:9", engineUrl, join(folder, "state"), { port: ports.agent });
  writeFileSync(agentFile, JSON.stringify(config), { mode: 0o600 });
  const lines = [
    `AGENT_CONFIG='${agentFile}'`,
    `ENGINES=chat`,
    `ENGINE_CHAT_COMMAND="${engineCommand}"`,
    `ENGINE_CHAT_HEALTH=${engineUrl}/health`,
    `RUN_DIR='${folder}'`,
    `GPU=none`,
    `READY_S=30`,
  ];
  writeFileSync(envFile, lines.join("\n"), { mode: 0o600 });
}

function run(script: string, ...flags: string[]): Promise<{ status: number | string; says: string }> {
  const file = join(root, "origin", script);
  return new Promise((resolve) => {
    execFile(file, [join(folder, "node.env"), ...flags], (error, _, says) =>
      resolve({ status: error?.code ?? 0, says }),
    );
  });
}

const hasStarted = (name: string) => existsSync(join(folder, `${name}.pid`));
const readPid = (name: string) => Number(readFileSync(join(folder, `${name}.pid`), "utf8"));

test("it starts engine and agent and waits for both; twice is the same as once", async () => {
  writeFiles();
  const first = await run("start-all.sh");
  expect(first).toEqual({
    status: 0,
    says: expect.stringContaining(`node is ready at http://127.0.0.1:${ports.agent}`),
  });
  const pids = ["engine-chat", "agent"].map(readPid);
  const second = await run("start-all.sh");
  expect(second).toEqual({ status: 0, says: expect.stringContaining(`agent runs already (pid ${pids[1]})`) });
  expect(["engine-chat", "agent"].map(readPid)).toEqual(pids);
  expect(pids.map(isAlive)).toEqual([true, true]);
});

test.each(["engine", "agent"] as const)(
  "the port of the %s is taken by another process: it says so, and starts nothing",
  async (name) => {
    writeFiles();
    await listen(ports[name]);
    const { status, says } = await run("start-all.sh");
    expect(says).toContain("port is taken by another process");
    expect(says).toContain(`http://127.0.0.1:${ports[name]}/`);
    expect(status).toBe(1);
    expect(["engine-chat", "agent"].filter(hasStarted)).toEqual([]);
  },
);

test("an engine that is dead when its health URL answers is not ready: another process took its port", async () => {
  writeFiles(`sleep 60`);
  const started = run("start-all.sh");
  await until(() => hasStarted("engine-chat"), 20_000);
  await listen(ports.engine, async () => {
    const pid = readPid("engine-chat");
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await until(() => !isAlive(pid), 5_000);
  });
  const { status, says } = await started;
  expect(says).toContain("engine-chat has stopped");
  expect(says).not.toContain("engine-chat is ready");
  expect(status).toBe(1);
});
