import { createServer } from "node:http";

/** A program on this machine that hears what webhooks send. */
export interface Receiver {
  url: string;
  port: number;
  close(): void;
}

/** Listens on the port that it had before, or on any where that is taken, and takes everything. */
export async function openReceiver(port: number): Promise<Receiver> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(204).end());
  });
  const listen = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(wanted, "127.0.0.1", () => resolve(server.off("error", reject) && undefined));
    });
  await listen(port).catch(() => listen(0));
  server.unref();
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the receiver has no port");
  return { url: `http://127.0.0.1:${address.port}/hook`, port: address.port, close: () => void server.close() };
}
