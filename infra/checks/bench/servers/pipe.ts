import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * The least that Node can do between a caller and an engine, in a process of its own: `pipe` passes calls to the port
 * in its argument and the answers back, and nothing reads them.
 */
const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true });

function pass(call: IncomingMessage, answer: ServerResponse): void {
  const { method, url: path, headers } = call;
  const onward = request({ host: "127.0.0.1", port, agent, method, path, headers }, (from) => {
    answer.writeHead(from.statusCode ?? 502, from.headers);
    from.pipe(answer);
  });
  onward.on("error", () => answer.destroy());
  call.pipe(onward);
}

const server = createServer(pass);
server.listen(0, "127.0.0.1", () =>
  console.log(`ready ${JSON.stringify({ port: (server.address() as AddressInfo).port })}`),
);
