import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFront, type Front } from "#infra/local/edge/front.ts";

/** A workerd that a test plays itself. */
let accepted: Promise<Socket>;
let front: Front;
const server = createServer({ allowHalfOpen: true });

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  accepted = new Promise((resolve) =>
    server.once("connection", (socket) => resolve(socket.on("error", () => undefined))),
  );
  front = await openFront(0, () => (server.address() as AddressInfo).port);
});
afterEach(async () => {
  await front.close();
  await new Promise((resolve) => server.close(resolve));
});

const call = () => connect({ port: Number(new URL(front.url).port), host: "127.0.0.1" }).on("error", () => undefined);
const readText = (socket: Socket) =>
  new Promise<{ text: string; isReset: boolean }>((resolve) => {
    let text = "";
    let isReset = false;
    socket
      .on("data", (bytes) => (text += bytes))
      .on("error", () => (isReset = true))
      .on("close", () => resolve({ text, isReset }));
  });

test("bytes pass both ways, and an answer that ends arrives whole", async () => {
  const caller = call();
  const heard = readText(caller);
  caller.write("question");
  const workerd = await accepted;
  const question = await new Promise((resolve) => workerd.once("data", (bytes) => resolve(String(bytes))));
  expect(question).toBe("question");
  workerd.end("x".repeat(1_000_000));
  expect(await heard).toEqual({ text: "x".repeat(1_000_000), isReset: false });
});

for (const [name, leave] of [
  ["closes", (caller: Socket) => caller.destroy()],
  ["ends her side", (caller: Socket) => caller.end()],
  ["is reset", (caller: Socket) => caller.resetAndDestroy()],
] as const) {
  test(`a caller who ${name} resets the connection to workerd`, async () => {
    const caller = call();
    caller.write("question");
    const workerd = await accepted;
    const heard = readText(workerd);
    await new Promise((resolve) => workerd.once("data", resolve));
    leave(caller);
    expect((await heard).isReset).toBe(true);
  });
}

test("a workerd that is reset, or that is not there, resets the caller: nothing cut is taken for whole", async () => {
  const caller = call();
  const heard = readText(caller);
  caller.write("question");
  const workerd = await accepted;
  workerd.write("half");
  await new Promise((resolve) => caller.once("data", resolve));
  workerd.resetAndDestroy();
  expect((await heard).isReset).toBe(true);
  const nowhere = await openFront(0, () => 1);
  const lost = connect({ port: Number(new URL(nowhere.url).port), host: "127.0.0.1" });
  expect((await readText(lost)).isReset).toBe(true);
  await nowhere.close();
});

test("a port that is taken is reported", async () => {
  await expect(openFront(Number(new URL(front.url).port), () => 1)).rejects.toThrow("EADDRINUSE");
});
