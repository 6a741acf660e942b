import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { startAttack } from "#infra/checks/storm/attack/attacker.ts";
import type { Attack } from "#infra/checks/storm/attack/attacks.ts";
import { until } from "#test/support/fakes/origin.ts";

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const attack: Attack = { name: "a", path: "/v1/completions", body: { prompt: "a" }, atOnce: 2 };

test("so many are at work at once, again and again, with the org's key", async () => {
  let open = 0;
  let most = 0;
  let count = 0;
  const url = await serve((request, response) => {
    expect([request.url, request.headers.authorization]).toEqual(["/v1/completions", "Bearer sk"]);
    most = Math.max(most, ++open);
    request.resume().once("end", () =>
      setTimeout(() => {
        open--;
        count++;
        response.end("{}");
      }, 5),
    );
  });
  const running = startAttack(url, "sk", attack);
  await until(() => count >= 14);
  await running.stop();
  expect(most).toBe(2);
  expect(running.statuses.length).toBeGreaterThanOrEqual(10);
  expect(running.statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 200));
});

test("stopping leaves what is under way", async () => {
  let seen = 0;
  const url = await serve((request) => void request.resume().once("end", () => seen++));
  const running = startAttack(url, "sk", attack);
  await until(() => seen === 2);
  await running.stop();
  expect(running.statuses).toEqual([null, null]);
});

test("who does not read holds the answer's sender up, until the end", async () => {
  let isFull = false;
  const url = await serve((request, response) => {
    request.resume();
    response.writeHead(200);
    let poured = 0;
    const pour = () => {
      while (response.write("x".repeat(64_000))) poured++;
      const before = poured;
      setTimeout(() => (isFull ||= poured === before), 200);
      response.once("drain", pour);
    };
    pour();
  });
  const running = startAttack(url, "sk", { ...attack, atOnce: 1, isUnread: true });
  await until(() => isFull);
  expect(running.statuses).toEqual([]);
  await running.stop();
  expect(running.statuses).toEqual([200]);
});
