import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** A TCP proxy that can be cut. Bytes are counted towards the client, for each connection and answer anew. */
export interface FaultProxy {
  url: string;
  /** The next answer is cut after this many bytes; `null`: none is. */
  cutAfterBytes(bytes: number | null): void;
  /** Bytes of the last answer that passed, and when its client's side was closed. */
  readonly passed: number;
  /** While refusing, new connections are reset at once, and old ones too. */
  refuse(isRefusing: boolean): void;
  close(): Promise<void>;
}

/** `tap` sees what clients send. */
export async function openFaultProxy(target: string, tap?: (bytes: Buffer) => void): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let cutAt: number | null = null;
  let passed = 0;
  let isRefusing = false;
  const server = createServer((client) => {
    if (isRefusing) return void client.resetAndDestroy();
    const origin = connect(Number(port), hostname);
    for (const socket of [client, origin]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        origin.destroy();
      });
    }
    client.on("data", (bytes) => {
      passed = 0;
      tap?.(bytes);
      origin.write(bytes);
    });
    origin.on("data", (bytes) => {
      const bytesLeft = cutAt === null ? Infinity : cutAt - passed;
      passed += Math.min(bytesLeft, bytes.length);
      if (bytes.length < bytesLeft) return void client.write(bytes);
      cutAt = null;
      client.write(bytes.subarray(0, bytesLeft), () => client.resetAndDestroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfterBytes: (bytes) => void (cutAt = bytes),
    get passed() {
      return passed;
    },
    refuse(value) {
      isRefusing = value;
      if (value) for (const socket of open) socket.destroy();
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
