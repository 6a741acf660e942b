import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts, startChild } from "#infra/local/child.ts";
import { isAlive } from "#test/support/stack/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "child-"));
const write = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

test("what a process of the stack forks lives on its own: it may sit and wait for a message", async () => {
  const echo = write("echo.mjs", `process.on("message", (text) => process.send(text + " heard"));`);
  const parent = write(
    "parent.mjs",
    `import { fork } from "node:child_process";
     const child = fork(${JSON.stringify(echo)});
     setTimeout(() => child.send("hello"), 300);
     child.on("message", (said) => console.log("ready " + JSON.stringify({ said, pid: child.pid })));
     child.on("exit", () => process.exit(1));`,
  );
  const child = await startChild("parent", [parent], () => undefined);
  expect(child.ready["said"]).toBe("hello heard");
  const forked = Number(child.ready["pid"]);
  await child.stop();
  // It ends by its own parent's channel, as any fork does.
  await expect.poll(() => isAlive(forked), { timeout: 5_000 }).toBe(false);
});

test("a process that ends before it is ready is reported with its last words", async () => {
  const lines: string[] = [];
  const file = write(
    "fails.mjs",
    `console.error("first"); console.error("gguf: there is no such file"); process.exit(78);`,
  );
  await expect(startChild("engine", [file], (line) => void lines.push(line))).rejects.toThrow(
    "engine stopped before it was ready: gguf: there is no such file",
  );
  expect(lines).toEqual(["first", "gguf: there is no such file"]);
});

test("free ports are all different, can be listened on, and are none that a system hands out by itself", async () => {
  const ports = await freePorts(200);
  expect(new Set(ports).size).toBe(200);
  for (const port of ports.slice(0, 20)) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  }
  expect(ports.filter((port) => port >= 32_768)).toEqual([]);
});

test("who looks for ports at once, in one process or in two, is not given the same", async () => {
  const file = write(
    "looks.mjs",
    `const { freePorts } = await import(${JSON.stringify(new URL("../../../infra/local/child.ts", import.meta.url))});
     console.log("ready " + JSON.stringify({ ports: await freePorts(40) }));
     setInterval(() => undefined, 1_000);`,
  );
  const [here, there, child] = await Promise.all([
    freePorts(40),
    freePorts(40),
    startChild("looks", [file], () => undefined),
  ]);
  await child.stop();
  const all = [...here, ...there, ...(child.ready["ports"] as number[])];
  expect(new Set(all).size).toBe(all.length);
});
