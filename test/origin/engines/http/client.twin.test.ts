import { Agent, request } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { openEngine, readAnswerText } from "#origin/engines/http/client.ts";

/** One response of a scripted engine: what it sends, in which pieces, and whether it then closes. */
interface Reply {
  status: number;
  body: string;
  pieces: string[];
  closes: boolean;
}

const text = fc.string({ unit: fc.constantFrom(..."aé日\n\r0:;"), maxLength: 24 });
const reply: fc.Arbitrary<Reply> = fc
  .record({
    status: fc.constantFrom(200, 200, 404, 503),
    body: text,
    framing: fc.constantFrom("length", "chunks", "close"),
    says: fc.constantFrom("", "connection: close\r\n", "connection: keep-alive\r\n"),
    hint: fc.constantFrom("", "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
    cuts: fc.array(fc.nat(), { maxLength: 5 }),
  })
  .map(({ status, body, framing, says, hint, cuts }) => {
    const bytes = Buffer.from(body).toString("latin1");
    const framed = {
      length: `content-length: ${bytes.length}\r\n\r\n${bytes}`,
      chunks: `transfer-encoding: chunked\r\n\r\n${writeChunks(bytes)}0\r\nx-sum: 1\r\n\r\n`,
      close: `\r\n${bytes}`,
    };
    const sent = `${hint}HTTP/1.1 ${status} X\r\n${says}${framed[framing]}`;
    const ends = [...cuts.map((cut) => cut % sent.length), sent.length].toSorted((a, b) => a - b);
    const pieces = ends.map((end, at) => sent.slice(ends[at - 1] ?? 0, end)).filter((piece) => piece !== "");
    return { status, body, pieces, closes: framing === "close" || says.includes("close") };
  });

function writeChunks(bytes: string): string {
  return (bytes.match(/[^]{1,7}/g) ?? []).map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
}

/** An engine that answers requests by the script, one after another, whatever connections they come on. */
async function startScripted(replies: Reply[]) {
  const sockets = new Set<Socket>();
  let served = 0;
  const answer = async (socket: Socket) => {
    const next = replies[served++];
    for (const piece of next?.pieces ?? []) {
      socket.write(piece, "latin1");
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (next?.closes) socket.end();
  };
  const connections = { count: 0 };
  const server = createServer({ noDelay: true }, (socket) => {
    connections.count++;
    sockets.add(socket);
    socket.on("error", () => {}).on("data", () => void answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    connections,
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

async function callByUs(replies: Reply[]) {
  const engine = await startScripted(replies);
  const client = openEngine({ kind: "openai", url: `http://127.0.0.1:${engine.port}`, models: {} });
  const got: { status: number; body: string }[] = [];
  for (const _ of replies) {
    const answer = await client.request({ method: "GET", path: "/" });
    got.push({ status: answer.status, body: await readAnswerText(answer, 1_000) });
  }
  client.close();
  await engine.close();
  return { got, connections: engine.connections.count };
}

async function callByNode(replies: Reply[]) {
  const engine = await startScripted(replies);
  const agent = new Agent({ keepAlive: true });
  const got: { status: number; body: string }[] = [];
  for (const _ of replies) {
    got.push(
      await new Promise((resolve, reject) => {
        const call = request({ host: "127.0.0.1", port: engine.port, agent }, (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (piece: string) => (body += piece));
          response.on("close", () => resolve({ status: response.statusCode ?? 0, body }));
        });
        call.on("error", reject).end();
      }),
    );
    // Its connection is free a tick later.
    await new Promise((resolve) => setImmediate(resolve));
  }
  agent.destroy();
  await engine.close();
  return { got, connections: engine.connections.count };
}

test("one engine's responses are those that Node's own client gets, on as few connections", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 5 }), async (replies) => {
      const [ours, nodes] = [await callByUs(replies), await callByNode(replies)];
      expect(ours).toEqual(nodes);
      expect(ours.got).toEqual(replies.map(({ status, body }) => ({ status, body })));
    }),
    { numRuns: Number(process.env["TWIN_RUNS"] ?? 60) },
  );
});
