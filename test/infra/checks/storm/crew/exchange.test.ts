import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { CallerConnection } from "#infra/checks/storm/crew/exchange.ts";
import type { CallPlan, Moment } from "#infra/checks/storm/plan/plan.ts";

const call: CallPlan = {
  isStream: true,
  endpoint: "chat",
  model: "chat",
  prompt: "hi",
  tokens: 9,
  isToTheEnd: true,
  wantsUsage: false,
  leavesAfter: null,
  again: "k1",
  timeoutMs: 100,
};
const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function exchange(port: number, over: Partial<CallPlan> = {}, line = new CallerConnection()) {
  const moments: Moment[] = [];
  const result = await line.exchange({
    call: { ...call, ...over },
    key: "sk",
    port,
    onMoment: (moment) => moments.push(moment),
  });
  closers.push(() => line.close());
  return { ...result, moments };
}

const event = 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n';

test("a stream to its end, its moments in order, over one socket that stays", async () => {
  const ports = new Set<number | undefined>();
  const port = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    expect(request.headers).toMatchObject({
      authorization: "Bearer sk",
      "idempotency-key": "k1",
      "x-penstock-timeout-ms": "100",
    });
    response.writeHead(200, { "x-penstock-hold": "hold_1" }).end(`${event}data: [DONE]\n\n`);
  });
  const line = new CallerConnection();
  const first = await exchange(port, {}, line);
  expect(first).toMatchObject({
    status: 200,
    hold: "hold_1",
    seen: 1,
    isDone: true,
    how: "ended",
    moments: ["call", "head", "event", "end"],
  });
  await exchange(port, {}, line);
  expect(ports.size).toBe(1);
});

test("leaving after so many events closes the socket", async () => {
  let isGone: Promise<void> | null = null;
  const port = await serve((request, response) => {
    isGone = new Promise((resolve) => request.socket.once("close", () => resolve()));
    response.writeHead(200).write(event);
    setTimeout(() => response.write(event), 20);
  });
  expect(await exchange(port, { leavesAfter: 2 })).toMatchObject({ how: "aborted", seen: 2, isDone: false });
  await isGone;
});

test("a connection that breaks, before and after the headers", async () => {
  const port = await serve((request) => void request.socket.destroy());
  expect(await exchange(port)).toMatchObject({ how: "broken", status: null, hold: null });
  const cut = await serve((request, response) => {
    response.writeHead(200).write(event);
    setTimeout(() => request.socket.destroy(), 20);
  });
  expect(await exchange(cut)).toMatchObject({ how: "broken", status: 200, seen: 1, code: null });
});
