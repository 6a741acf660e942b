import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis, type ChainableCommander } from "ioredis";
import { openScriptMap, type ScriptMap } from "./redis-scripts.ts";

/** Which Redis the bridge serves, and where. */
export interface BridgeOptions {
  redisPort: number;
  /** 0: a free one. */
  port?: number;
  /** Random where it is not given. */
  token?: string;
  /** Receives each request's commands before they run, for callers that count. */
  onCommands?: (commands: string[][]) => void;
}

/** A running bridge, with the token that its callers must send. */
export interface Bridge {
  url: string;
  token: string;
  /** HTTP requests so far. */
  readonly requests: number;
  close(): Promise<void>;
}

const bodyBytesMax = 10 * 1024 * 1024;

/**
 * Upstash's REST in front of a Redis on this machine: `POST /` with a JSON array, path commands, `/pipeline`,
 * `/multi-exec`, Bearer auth, base64 answers. A Redis that is away is answered 500 at once, and found again by itself.
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const token = options.token ?? randomBytes(24).toString("base64url");
  const redis = new Redis({
    host: "127.0.0.1",
    port: options.redisPort,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
    lazyConnect: true,
    // Its parser is off by one near 2^53.
    stringNumbers: true,
  });
  redis.on("error", () => undefined);
  await redis.connect();
  const context: BridgeContext = {
    redis,
    sendCommand: openQueue(redis),
    scripts: openScriptMap(),
    token,
    onCommands: options.onCommands ?? (() => undefined),
  };
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    answer(request, context).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) =>
        send(response, error instanceof BadRequest ? 400 : 500, { error: `ERR ${describeError(error)}` }),
    );
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    get requests() {
      return requests;
    },
    async close() {
      redis.disconnect();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class BadRequest extends Error {}

interface BridgeAnswer {
  status: number;
  body: unknown;
}

/** What every request needs. */
interface BridgeContext {
  redis: Redis;
  sendCommand: SendCommand;
  scripts: ScriptMap;
  token: string;
  onCommands(commands: string[][]): void;
}

type SendCommand = (name: string, args: string[]) => Promise<unknown>;
type RunCommand = (command: string[]) => Promise<unknown>;

async function answer(
  request: IncomingMessage,
  { redis, sendCommand: ask, scripts, token, onCommands }: BridgeContext,
): Promise<BridgeAnswer> {
  const url = new URL(request.url ?? "/", "http://bridge");
  if (!isAllowed(request, url, token)) return { status: 401, body: { error: "Unauthorized" } };
  const path = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const text = await readBody(request);
  const isBase64 = request.headers["upstash-encoding"] === "base64";
  const run: RunCommand = async (command) => {
    const [name = "", ...args] = scripts.rewrite(command);
    return toPlain(scripts.reply(command, await ask(name, args)), isBase64);
  };
  const isMany = path[0] === "pipeline" || path[0] === "multi-exec";
  const commands = isMany
    ? readCommands(text)
    : [path.length > 0 ? [...path, ...(text === "" ? [] : [text])] : readCommand(parseJson(text))];
  onCommands(commands);
  if (path[0] === "pipeline")
    return { status: 200, body: await Promise.all(commands.map((command) => readReply(run(command)))) };
  if (path[0] === "multi-exec") return runTransaction(commands, redis, scripts, isBase64);
  const [command = []] = commands;
  const result = await readReply(run(command));
  return { status: "error" in result ? 400 : 200, body: result };
}

/**
 * Commands that come in one turn of the event loop go out in one write: a quarter less work here, and for Redis one
 * sync of its disk.
 */
function openQueue(redis: Redis): SendCommand {
  let waiting: ChainableCommander | null = null;
  let replies: ReturnType<ChainableCommander["exec"]>;
  const send = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    const queue = waiting;
    waiting = null;
    return queue?.exec() ?? null;
  };
  return async (name, args) => {
    if (!waiting) {
      waiting = redis.pipeline();
      replies = send();
    }
    const index = waiting.length;
    waiting.callBuffer(name, ...args);
    const [error, reply] = (await replies)?.[index] ?? [new Error("no reply"), null];
    if (error) throw error;
    return reply;
  };
}

/** All or nothing: a command that cannot be queued discards the others. */
async function runTransaction(
  commands: string[][],
  redis: Redis,
  scripts: ScriptMap,
  isBase64: boolean,
): Promise<BridgeAnswer> {
  const transaction = redis.multi();
  for (const command of commands) {
    const [name = "", ...args] = scripts.rewrite(command);
    transaction.callBuffer(name, ...args);
  }
  try {
    const results = (await transaction.exec()) ?? [];
    const body = results.map(([error, reply], index) =>
      error
        ? { error: describeError(error) }
        : { result: toPlain(scripts.reply(commands[index] ?? [], reply), isBase64) },
    );
    return { status: 200, body };
  } catch (error) {
    return { status: 400, body: { error: describeError(error) } };
  }
}

async function readReply(reply: Promise<unknown>): Promise<{ result: unknown } | { error: string }> {
  try {
    return { result: await reply };
  } catch (error) {
    if (isAway(error)) throw error;
    return { error: describeError(error) };
  }
}

/** Redis said no itself, or it could not be reached: the first is an answer, the second is not. */
function isAway(error: unknown): boolean {
  return !(error instanceof Error) || error.name !== "ReplyError";
}

/** Strings come as bytes and go as text or base64 (save the literal OK); integers come as text; nulls stay. */
export function toPlain(reply: unknown, isBase64: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((each) => toPlain(each, isBase64));
  if (typeof reply === "string") return Number(reply);
  if (!Buffer.isBuffer(reply)) return reply instanceof Error ? reply.message : reply;
  const text = reply.toString("utf8");
  return isBase64 && text !== "OK" ? reply.toString("base64") : text;
}

function isAllowed(request: IncomingMessage, url: URL, token: string): boolean {
  const given = Buffer.from(
    request.headers.authorization?.replace(/^Bearer /, "") ?? url.searchParams.get("_token") ?? "",
  );
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** By events: an async iterator was a sixth of all the time that the bridge takes. */
function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > bodyBytesMax) return reject(new BadRequest("the body is too large"));
      parts.push(part);
    });
    request.on("end", () => resolve(Buffer.concat(parts).toString("utf8")));
    request.on("error", reject);
  });
}

function readCommands(text: string): string[][] {
  const commands = parseJson(text);
  if (!Array.isArray(commands)) throw new BadRequest("expected an array of commands");
  return commands.map(readCommand);
}

function readCommand(given: unknown): string[] {
  if (!Array.isArray(given) || given.length === 0) throw new BadRequest("expected a command as an array");
  return given.map((argument) => (typeof argument === "string" ? argument : JSON.stringify(argument)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest("the body is not JSON");
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
    .end(text);
}
