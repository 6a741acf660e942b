import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { NodeRecord } from "#edge/agreements/records/node.ts";
import type { AttemptEnd } from "#edge/fleet/port.ts";
import type { LoadReport } from "#edge/agreements/records/node.ts";
import { nodeOf } from "#test/support/fakes/fleet.ts";

/** What a local node was asked, byte for byte. */
export interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export type Behaviour = (asked: Asked, response: ServerResponse, request: IncomingMessage) => void;

export interface LocalNode extends AsyncDisposable {
  record: NodeRecord;
  asked: Asked[];
}

/** A node that is a real HTTP server on loopback and answers as the test says. */
export async function openNode(name: string, behave: Behaviour, over: Partial<NodeRecord> = {}): Promise<LocalNode> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      asked.push(one);
      behave(one, response, request);
    });
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    record: nodeOf(name, { url: `http://127.0.0.1:${port}`, ...over }),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a status and a JSON body. */
export function answering(status: number, body: unknown = {}, headers: Record<string, string> = {}): Behaviour {
  return (_, response) =>
    void response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(typeof body === "string" ? body : JSON.stringify(body));
}

/** The agent's error shape. */
export const agentError = (code: unknown, message = "said the agent", param: unknown = null) => ({
  error: { message, type: "t", param, code },
});

/** Breaks the connection before a byte of an answer. */
export const hangingUp: Behaviour = (_, __, request) => void request.socket.destroy();

/** Never answers. */
export const silent: Behaviour = () => {};

/** An address where nobody listens. */
export async function deadNode(name: string): Promise<NodeRecord> {
  await using node = await openNode(name, silent);
  return node.record;
}

/** A watch that remembers: `began a`, `saw a answered`, `ended a`. */
export function watching() {
  const seen: string[] = [];
  const loads: (LoadReport | null)[] = [];
  const short = (node: string) => node.slice("node_".length);
  return {
    seen,
    loads,
    watch: {
      begin: (node: string) => void seen.push(`began ${short(node)}`),
      learn: (node: string, end: AttemptEnd, load: LoadReport | null) => {
        seen.push(`saw ${short(node)} ${end}`);
        loads.push(load);
      },
      end: (node: string) => void seen.push(`ended ${short(node)}`),
    },
  };
}
