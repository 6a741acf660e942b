import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveWorkerd, type Workerd } from "#infra/checks/bench/servers/serve-workerd.ts";
import { writeSmallConfig } from "#infra/checks/bench/servers/workerd-config.ts";
import { freePorts } from "#infra/local/child.ts";
import { bundleWorker } from "#infra/local/edge/bundle.ts";
import { root } from "#infra/local/stack.ts";

/**
 * What the installed workerd does when an origin dies in a chunked answer. Some versions end such an answer as if it
 * were whole: whoever changes the runtime learns here whether callers would still notice.
 */

const event = 'data: {"choices":[{"index":0,"delta":{"content":"w"},"finish_reason":null}]}\n\n';
const done = "data: [DONE]\n\n";
const begun = event.repeat(3);
const writeChunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** How an origin ends after three events. */
const endings: Record<string, (socket: Socket) => void> = {
  whole: (socket) => socket.end(`${writeChunk(done)}0\r\n\r\n`),
  fin: (socket) => socket.end(),
  rst: (socket) => socket.resetAndDestroy(),
  "half-chunk": (socket) => socket.end("10\r\ndata: {"),
};

async function answer(socket: Socket, head: string): Promise<void> {
  const [, ending = ""] = /^GET \/\w+\/([\w-]+) /.exec(head) ?? [];
  socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
  for (let events = 0; events < 3; events++) {
    socket.write(writeChunk(event));
    await sleep(20);
  }
  (endings[ending] ?? endings["whole"])?.(socket);
}

const dir = mkdtempSync(join(tmpdir(), "penstock-runtime-streams-"));
let origin: Server;
let workerd: Workerd;
let base: string;

beforeAll(async () => {
  origin = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => void answer(socket, bytes.toString()));
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const [port = 0] = await freePorts(1);
  base = `http://127.0.0.1:${port}`;
  writeFileSync(join(dir, "worker.js"), await bundleWorker(root, "test/support/faults/stream-worker.ts"));
  const originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  const config = writeSmallConfig({ root, module: "worker.js", port, originUrl });
  workerd = await serveWorkerd({ dir, config, readyUrl: `${base}/passed/whole` });
});
afterAll(async () => {
  await workerd.stop();
  origin.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The body as it came, and whether its last chunk said that it was the last. */
function read(path: string): Promise<{ body: string; isTerminated: boolean }> {
  return new Promise((resolve, reject) => {
    get(`${base}${path}`, { agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("error", () => undefined);
      response.on("close", () => resolve({ body, isTerminated: response.complete }));
    }).on("error", reject);
  });
}

test.each(["passed", "piped"])("a whole stream that is %s on ends as the origin ended it", async (way) => {
  expect(await read(`/${way}/whole`)).toEqual({ body: begun + done, isTerminated: true });
});

describe.each(["fin", "rst", "half-chunk"])("an origin that dies by %s after three events", (death) => {
  test("through our pipe: the caller has them, then the error event, and the answer is terminated", async () => {
    const { body, isTerminated } = await read(`/piped/${death}`);
    expect(body.startsWith(begun)).toBe(true);
    const last = body.trimEnd().split("\n").at(-1) ?? "";
    expect(JSON.parse(last.slice("data: ".length))).toMatchObject({
      error: { type: "server_error", code: "stream_broken" },
    });
    expect(isTerminated).toBe(true);
  });

  test("passed on natively: the answer stays unterminated, so that no caller takes it for whole", async () => {
    const { body, isTerminated } = await read(`/passed/${death}`);
    expect(body.startsWith(begun)).toBe(true);
    expect(body).not.toContain("[DONE]");
    expect(isTerminated).toBe(false);
  });
});
