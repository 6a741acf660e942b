import { Agent, createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Where an exchange over HTTP goes wrong: nothing is delivered (`connect`); delivered, and the answer's head fails
 * (`headers`); an error answer whose body fails (`refusal`); the body of a whole answer (`body`) or of a stream after
 * three events (`stream`); or something else answers in its place (`instead`).
 */
export type Place = "connect" | "headers" | "refusal" | "body" | "stream" | "instead";
export interface HopFault {
  /** Only requests whose body has all of these meet it. */
  keys: string[];
  path?: string;
  place: Place;
  fault: "timeout" | "error" | "slow" | "garbage" | "shape";
  times?: number;
  /** How late `slow` is. */
  ms?: number;
  /** What an answer of the wrong shape is here; JSON that nobody asked for unless told. */
  shape?: string;
}

/** An HTTP way to somewhere that can be told to fail, for one caller at a time. */
export interface Hop {
  url: string;
  target: string;
  arm(fault: HopFault): void;
  readonly armed: readonly (HopFault & { struck: number })[];
  /** Every path that was asked for. */
  readonly paths: ReadonlySet<string>;
  close(): Promise<void>;
}

const lateMs = 600;
const html = "<html>CANARY</html>";
const eventsBefore = 3;
const bodies: ReadonlySet<Place> = new Set(["refusal", "body", "stream"]);

export async function openHop(target: string): Promise<Hop> {
  const armed: (HopFault & { struck: number })[] = [];
  const paths = new Set<string>();
  const agent = new Agent({ keepAlive: true });

  const draw = (path: string, body: string) => {
    const rule = armed.find(
      (one) =>
        one.struck < (one.times ?? Infinity) &&
        one.keys.every((key) => body.includes(key)) &&
        (one.path ?? path) === path,
    );
    if (rule) rule.struck++;
    return rule;
  };
  const forward = (request: IncomingMessage, body: string, response: ServerResponse) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const onward = send(
        target + (request.url ?? ""),
        { method: request.method ?? "GET", headers: request.headers, agent },
        resolve,
      );
      onward.once("error", reject).end(body);
      response.once("close", () => response.writableFinished || onward.destroy());
    });

  const server = createServer((request, response) => {
    void (async () => {
      const body = await textOf(request);
      paths.add(request.url ?? "");
      const rule = draw(request.url ?? "", body);
      if (!rule || (rule.fault === "slow" && !bodies.has(rule.place))) {
        if (rule) await later(rule.ms ?? lateMs);
        return relay(await forward(request, body, response), response);
      }
      if (rule.place === "connect") return fail(response, rule, "SSH-2.0-CANARY\r\n");
      if (rule.place === "refusal")
        return answerWith(
          response,
          rule,
          500,
          '{"error":{"message":"CANARY","type":"server_error","param":null,"code":"internal"}}',
          '{"detail":"CANARY"}',
        );
      if (rule.place === "instead") return failInstead(response, rule);
      const answer = await forward(request, body, response);
      if (rule.place === "stream") return relayUntil(answer, response, rule);
      const whole = await textOf(answer);
      if (rule.place === "body")
        return answerWith(response, rule, answer.statusCode ?? 0, whole, rule.shape ?? '{"CANARY":true}');
      if (rule.fault === "shape")
        return failInstead(response, { ...rule, ...(rule.shape === undefined && { fault: "garbage" }) });
      return fail(response, rule, `HTTP/9.9 CANARY\r\n\r\n${html}`);
    })().catch(() => response.destroy());
  });
  // A kept connection that we close just as the asker writes on it would be a fault that nobody armed.
  server.keepAliveTimeout = 0;
  server.on("connection", (socket) => void socket.setNoDelay(true).on("error", () => undefined));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    arm: (fault) => void armed.push({ ...fault, struck: 0 }),
    armed,
    paths,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Before any byte of an answer. */
function fail(response: ServerResponse, { fault }: HopFault, nonsense: string): void {
  if (fault === "error") return void response.socket?.resetAndDestroy();
  if (fault === "garbage") return void response.socket?.end(nonsense);
}

/** A page or a JSON of somebody else's, with status 200. */
function failInstead(response: ServerResponse, rule: HopFault): void {
  if (rule.fault === "garbage") return void response.writeHead(200, { "content-type": "text/html" }).end(html);
  if (rule.fault === "shape")
    return void response.writeHead(200, { "content-type": "application/json" }).end(rule.shape ?? '{"CANARY":true}');
  return fail(response, rule, "");
}

/** An answer whose head is right and whose body is not. */
async function answerWith(
  response: ServerResponse,
  { fault }: HopFault,
  status: number,
  right: string,
  wrong: string,
): Promise<void> {
  const body = fault === "garbage" ? html : fault === "shape" ? wrong : right;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-penstock-load": "run=0 wait=0 kv=0.000 held=0",
  });
  if (fault === "garbage" || fault === "shape") return void response.end(body);
  response.write(body.slice(0, body.length / 2));
  await later(fault === "slow" ? lateMs : 50);
  if (fault === "slow") response.end(body.slice(body.length / 2));
  if (fault === "error") response.socket?.resetAndDestroy();
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 0, answer.headers);
  response.flushHeaders();
  answer.once("error", () => response.destroy()).pipe(response);
}

/**
 * Three events of a stream, then the fault; after `slow`, `garbage` and `shape` the rest. The sender is heard to its
 * end in any case.
 */
function relayUntil(answer: IncomingMessage, response: ServerResponse, { fault, shape }: HopFault): void {
  response.writeHead(answer.statusCode ?? 0, answer.headers);
  response.flushHeaders();
  let events = 0;
  let isStruck = false;
  answer.on("data", (bytes: Buffer) => {
    if (isStruck && (fault === "timeout" || fault === "error")) return;
    response.write(bytes);
    events += String(bytes).split("data: ").length - 1;
    if (isStruck || events < eventsBefore) return;
    isStruck = true;
    if (fault === "error") response.socket?.resetAndDestroy();
    if (fault === "slow") {
      answer.pause();
      setTimeout(() => answer.resume(), lateMs);
    }
    if (fault === "garbage" || fault === "shape")
      response.write(`data: ${fault === "garbage" ? html : (shape ?? '{"CANARY":true}')}\n\n`);
  });
  answer.once("error", () => response.destroy()).once("end", () => fault !== "timeout" && response.end());
}

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
