import { connect } from "node:net";
import { describe, expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";
import { routeSamples } from "#test/support/stack/route-samples.ts";

const world = worldAt(inject("place"));
const { port, hostname, host } = new URL(world.place.edge);

/** Sends bytes as they are and reads all that comes back, until the connection closes or `ms` have passed. */
function exchange(text: string, ms = 5_000): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port: Number(port), host: hostname }, () => socket.write(text));
    socket.setTimeout(ms, () => socket.destroy());
    socket.setEncoding("latin1").on("data", (piece: string) => void (answer += piece));
    socket.on("error", () => undefined).on("close", () => resolve(answer));
  });
}

const chunked = (body: string) => `Transfer-Encoding: chunked\r\n\r\n${body}`;
const declared = (body: string) => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const bodies: Record<string, string> = {
  "no body": "\r\n",
  "an object": declared("{}"),
  text: declared("model=x&prompt=y"),
  "an object in chunks": chunked("2\r\n{}\r\n0\r\n\r\n"),
  "a chunk whose line ends in LF": chunked("10\n{}"),
  "a chunk of negative length": chunked("-1\r\n{}\r\n0\r\n\r\n"),
  "a chunk longer than any": chunked("10000000000000010\r\n{}\r\n0\r\n\r\n"),
  "a line end in a chunk's extension": chunked("2;x=\n\r\n{}\r\n0\r\n\r\n"),
};
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const types = ["application/json", "text/plain"];
/** No route takes these. */
const strangeMethods = ["TRACE", "PROPFIND", "PURGE"];
/** The platform answers these itself, with what it has for them: no Worker hears of them. */
const platformMethods = ["CONNECT", "get", "Post", "X"];
const strangeTypes = ["", "*/*", "application/json; charset=utf-16", "multipart/form-data", "text/html, x", "\u00e9"];

describe("every route, with every method and any body", () => {
  for (const { path, key, allow } of routeSamples) {
    test(`${path} answers without a fault of ours, stored by nobody, taken for nothing else`, async () => {
      const org = await world.newOrg();
      const secret = { apiKey: org.key, adminKey: world.place.adminKey, none: "x" }[key];
      const cases = methods.flatMap((method) =>
        Object.entries(bodies).flatMap(([name, body]) => types.map((type) => ({ method, name, body, type }))),
      );
      const strange = [
        ...["no body", "an object"].flatMap((name) =>
          [...strangeMethods, ...platformMethods].map((method) => ({ method, name, type: "a/b" })),
        ),
        ...["POST", "PATCH"].flatMap((method) => strangeTypes.map((type) => ({ method, name: "an object", type }))),
      ].map((one) => ({ ...one, body: bodies[one.name] ?? "" }));
      const head = (method: string, type: string) =>
        `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n` +
        `Authorization: Bearer ${secret}\r\nContent-Type: ${type}\r\n`;
      const answers = await Promise.all(
        [...cases, ...strange].map(async ({ method, name, body, type }) => {
          const answer = await exchange(head(method, type) + body);
          const what = `${method} with ${name}, ${type}`;
          return { what, method, answer, status: Number(answer.slice(9, 12)) };
        }),
      );
      const isPlatforms = ({ method }: { method: string }) => platformMethods.includes(method);
      expect(answers.filter((one) => one.status >= 500 && one.status !== 503 && !isPlatforms(one))).toEqual([]);
      // What breaks HTTP itself may find the connection closed, or the platform's own answer.
      const ours = answers.filter(({ answer }) => /\r\nx-request-id:/i.test(answer));
      expect(ours.filter(isPlatforms)).toEqual([]);
      expect(ours.length).toBeGreaterThanOrEqual(methods.length * 3 * types.length);
      const isOpen = (answer: string) => !/\r\nx-content-type-options: nosniff\r\n/i.test(answer);
      const isStored = (answer: string) =>
        !/\r\ncache-control: (no-cache, )?no-store|\r\ncache-control: no-cache\r\n/i.test(answer);
      expect(ours.filter(({ answer }) => isOpen(answer) || isStored(answer))).toEqual([]);
      const untaken = ours.filter(({ method }) => !allow.includes(method));
      expect(untaken.length).toBeGreaterThanOrEqual(6);
      const readAllow = (answer: string) => /\r\nallow: ([^\r]*)\r\n/i.exec(answer)?.[1];
      const isTold = ({ answer, status }: (typeof ours)[number]) =>
        status === 405 && readAllow(answer) === allow.join(", ");
      expect(untaken.filter((one) => !isTold(one))).toEqual([]);
      // What is allowed is never refused for its method.
      expect(ours.filter(({ method, status }) => allow.includes(method) && status === 405)).toEqual([]);
    });
  }
});

test("streams are stored by nobody either", async () => {
  const org = await world.newOrg();
  for (const stream of [true, false]) {
    const response = await world.chat(org.key, { stream, max_tokens: 2 });
    expect([response.status, response.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
    expect(response.headers.get("cache-control")).toContain("no-store");
    await response.text();
  }
});
