import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { verifyHop } from "#edge/agreements/tokens/hop.ts";
import { openNodeKeys, type NodeKeyTexts } from "#edge/agreements/tokens/node-keys.ts";
import { loadHeader } from "#edge/agreements/records/node.ts";
import {
  eventMs,
  floodTokens,
  jsonAnswer,
  streamEvents,
  streamTail,
  answerTokens,
  usageEvents,
} from "../load/answers.ts";
import { makeUsageRecord, Settling } from "../load/settle.ts";
import { findField, MessageReader } from "../load/http-messages.ts";

/**
 * The origin of the bench, a process of its own: answers as an agent would, refuses nobody, settles every hold that a
 * call carries. A call without a hop token (direct, or through the bare pass-through) is answered the same and settles
 * nothing. For the agent's row it is the engine: it has vLLM's health pages, and puts usage on every chunk when asked.
 */
interface OriginConfig {
  node: string;
  keys: NodeKeyTexts;
  edgePort: number;
}

const config: OriginConfig = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
const keys = openNodeKeys(config.keys);
const settling = new Settling(config.node, keys.node, config.edgePort);
const answered = { whole: 0, streams: 0 };
let running = 0;

const writeLoadField = () => `${loadHeader}: run=${running} wait=0 kv=0.050 held=${running * 200}\r\n`;
const chunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
const plainEvents = streamEvents.map(chunk);
const countedEvents = usageEvents.map(chunk);
const pages: Record<string, string> = {
  "GET /health": "",
  "GET /version": '{"version":"0.11.0"}',
  "GET /metrics":
    "vllm:num_requests_running 0\nvllm:num_requests_waiting 0\nvllm:kv_cache_usage_perc 0.05\n" +
    'vllm:cache_config_info{block_size="16",num_gpu_blocks="6050"} 1\n',
};
const tail = Buffer.concat([chunk(streamTail), Buffer.from("0\r\n\r\n")]);

function answer(socket: Socket, head: string, body: string): void {
  const page = pages[head.slice(0, head.indexOf(" HTTP/"))];
  if (page !== undefined) return void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${page.length}\r\n\r\n${page}`);
  const hop = verifyHop((findField(head, "authorization") ?? "").replace("Bearer ", ""), keys.hop);
  const startedAtMs = Date.now();
  running++;
  const done = () => {
    running--;
    if (hop) settling.add(makeUsageRecord(hop, answerTokens, startedAtMs), hop.isUrgent);
  };
  if (!body.includes('"stream":true')) {
    answered.whole++;
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${writeLoadField()}` +
        `content-length: ${jsonAnswer.length}\r\n\r\n${jsonAnswer}`,
    );
    return done();
  }
  answered.streams++;
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n${writeLoadField()}` +
      "transfer-encoding: chunked\r\n\r\n",
  );
  if (body.includes(`"max_tokens":${floodTokens}`)) flood(socket, done);
  else stream(socket, body.includes('"include_usage":true') ? countedEvents : plainEvents, done);
}

/** Writes what a long stream has as fast as its reader takes it. */
function flood(socket: Socket, done: () => void): void {
  let sent = 0;
  const writeSome = () => {
    while (
      sent < floodTokens &&
      !socket.destroyed &&
      socket.write(plainEvents[1 + (sent++ % (answerTokens - 2))] ?? "")
    );
    if (sent < floodTokens && !socket.destroyed) return void socket.once("drain", writeSome);
    socket.off("close", leave);
    if (!socket.destroyed) socket.write(tail);
    done();
  };
  const leave = () => {
    socket.off("drain", writeSome);
    done();
  };
  socket.once("close", leave);
  writeSome();
}

/** Writes each event by itself, at its own time: a late one does not delay the next. */
function stream(socket: Socket, events: Buffer[], done: () => void): void {
  const startMs = performance.now();
  let index = 0;
  const writeNext = () => {
    const event = events[index];
    if (!event || socket.destroyed) {
      if (!socket.destroyed) socket.write(tail);
      return done();
    }
    socket.write(event);
    index++;
    setTimeout(writeNext, Math.max(0, startMs + index * eventMs - performance.now()));
  };
  writeNext();
}

const server = createServer({ noDelay: true }, (socket) => {
  let head = "";
  let body = "";
  const reader = new MessageReader({
    head: (text) => {
      head = text;
      body = "";
    },
    body: (bytes) => (body += bytes.toString("latin1")),
    end: () => answer(socket, head, body),
  });
  socket.on("data", (bytes: Buffer) => reader.push(bytes));
  socket.on("error", () => socket.destroy());
});

process.on("message", ({ id }: { id: number }) =>
  process.send?.({ id, answer: { ...answered, running, settling: settling.counts } }),
);
server.listen(0, "127.0.0.1", () =>
  console.log(`ready ${JSON.stringify({ port: (server.address() as AddressInfo).port })}`),
);
