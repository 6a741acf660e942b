import { connect, createServer, type Socket } from "node:net";

/** Where callers connect. */
export interface Front {
  url: string;
  close(): Promise<void>;
}

/**
 * Stands before the local workerd as Cloudflare's proxies stand before a Worker: when a caller hangs up, the connection
 * behind it is reset. Without it a FIN is all that workerd hears, it takes that for the half of a conversation that may
 * end, and works on for nobody (docs/decisions/0008). Bytes pass as they are. Rejects when the port is taken.
 */
export async function openFront(port: number, workerdPort: () => number): Promise<Front> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => {
    const workerd = connect({ port: workerdPort(), host: "127.0.0.1", noDelay: true });
    caller.pipe(workerd, { end: false });
    workerd.pipe(caller);
    for (const socket of [caller, workerd]) {
      open.add(socket);
      socket.on("error", () => undefined).once("close", () => open.delete(socket));
    }
    const leave = () => void workerd.resetAndDestroy();
    caller.once("end", leave).once("close", leave);
    // What workerd still wanted to say is said before the caller's side closes; after a failure there is nothing more
    // to say.
    workerd.once("close", (isFailed) => (isFailed ? caller.resetAndDestroy() : caller.destroySoon()));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the front has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
