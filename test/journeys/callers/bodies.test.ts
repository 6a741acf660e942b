import { connect } from "node:net";
import { expect, inject, test } from "vitest";
import { bodyBytesMax } from "#edge/limits.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const { port, hostname, host } = new URL(world.place.edge);

interface Sent {
  key: string;
  headers: string;
  body: string;
}

/** Sends all of a call before it reads a word, as simple clients do; resolves with the answer's status line. */
function send({ key, headers, body }: Sent): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port: Number(port), host: hostname });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n`;
    socket.pause();
    socket.write(`${head}Content-Type: application/json\r\nConnection: close\r\n${headers}\r\n${body}`, () => {
      socket.resume();
    });
    socket.setEncoding("latin1").on("data", (piece: string) => void (answer += piece));
    socket.on("error", (cause) => resolve(`${answer.slice(0, 12)} ${cause.name}`));
    socket.on("close", () => resolve(answer.slice(0, 12)));
  });
}

test("50 callers with a wrong key and 4 MiB all read their 401", async () => {
  const body = "x".repeat(bodyBytesMax);
  const whole = { key: "sk-wrong", headers: `Content-Length: ${body.length}\r\n`, body };
  const pieces = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const chunked = { key: "sk-wrong", headers: "Transfer-Encoding: chunked\r\n", body: pieces };
  const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => send(at % 2 ? whole : chunked)));
  expect(new Set(answers)).toEqual(new Set(["HTTP/1.1 401"]));
});

test("half-sent bodies end with 408, or 503 where there is no room; meanwhile others are served", async () => {
  const [slow, quick] = [await world.newOrg(), await world.newOrg()];
  const half = { key: slow.key, headers: `Content-Length: ${bodyBytesMax}\r\n`, body: "{" };
  const answers = Promise.all(Array.from({ length: 8 }, () => send(half)));
  for (let call = 0; call < 5; call++) expect((await world.chat(quick.key, { max_tokens: 2 })).status).toBe(200);
  const statuses = (await answers).toSorted();
  expect(statuses.slice(0, 2)).toEqual(["HTTP/1.1 408", "HTTP/1.1 408"]);
  expect(new Set(statuses)).toEqual(new Set(["HTTP/1.1 408", "HTTP/1.1 503"]));
  expect((await world.chat(slow.key, { max_tokens: 2 })).status).toBe(200);
});

test("a body that comes in chunks of one byte is read in large pieces, and served", async () => {
  const org = await world.newOrg();
  const text = JSON.stringify({
    model: "chat",
    max_tokens: 1,
    messages: [{ role: "user", content: "x".repeat(2_000) }],
  });
  const body = `${Array.from(text, (byte) => `1\r\n${byte}\r\n`).join("")}0\r\n\r\n`;
  expect(await send({ key: org.key, headers: "Transfer-Encoding: chunked\r\n", body })).toBe("HTTP/1.1 200");
});
