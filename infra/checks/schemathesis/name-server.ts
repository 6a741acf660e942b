import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A name server on this machine that knows no name: what is fuzzed or scanned calls nobody outside. */
export async function openNameServer() {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/dns-json");
    response.end(JSON.stringify({ Status: 3 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<unknown>((resolve) => server.close(resolve));
  return { vars: { DNS_URL: `http://127.0.0.1:${port}/` }, close };
}
