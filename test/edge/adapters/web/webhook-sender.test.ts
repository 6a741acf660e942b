import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { dohResolver } from "#edge/adapters/web/doh-resolver.ts";
import { fetchLeakKeys } from "#edge/adapters/web/leak-keys.ts";
import { readCapped } from "#edge/adapters/web/read-capped.ts";
import { fetchWebhookSender } from "#edge/adapters/web/webhook-sender.ts";

type Behave = Parameters<typeof createServer>[1] & object;
async function open(behave: Behave) {
  const server = createServer(behave);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
const sender = fetchWebhookSender({ waitMsMax: 300, fetch });
const post = (url: string) => sender.post(url, { "webhook-id": "evt_x" }, "{}");

test("a webhook's answer is its status and how it begins; a redirect is not followed", async () => {
  const asked: string[] = [];
  await using server = await open((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers["webhook-id"]}`);
    response.writeHead(302, { location: "/elsewhere" }).end("x".repeat(100_000));
  });
  expect(await post(server.url)).toEqual({ status: 302, excerpt: "x".repeat(4_096) });
  expect(asked).toEqual(["POST / evt_x"]);
});

test("one that is silent, slow in its body, or hangs up is a failure, and says which", async () => {
  await using silent = await open(() => undefined);
  expect(await post(silent.url)).toEqual({ failure: "timeout" });
  await using slow = await open((_, response) => void response.writeHead(200).write("half"));
  expect(await post(slow.url)).toEqual({ failure: "timeout" });
  await using rude = await open((request) => void request.socket.destroy());
  expect(await post(rude.url)).toEqual({ failure: "connection" });
});

test("an answer without end is let go of at its bound", async () => {
  await using endless = await open((_, response) => {
    response.writeHead(200);
    const more = () => void (response.destroyed || (response.write("y".repeat(65_536)), setTimeout(more, 1)));
    more();
  });
  expect(await post(endless.url)).toEqual({ status: 200, excerpt: "y".repeat(4_096) });
  expect(await readCapped(new Response(null), 10)).toBe("");
  expect(await readCapped(new Response("short"), 10)).toBe("short");
});

test("a name is looked up for both kinds of addresses, aliases left out", async () => {
  const asked: string[] = [];
  await using server = await open((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    asked.push(`${query.get("name")} ${query.get("type")} ${request.headers.accept}`);
    const isFour = query.get("type") === "A";
    const alias = { name: "a.example.test", type: 5, data: "b.example.test." };
    const found = isFour ? { type: 1, data: "192.0.2.1" } : { type: 28, data: "2001:db8::1" };
    response.end(JSON.stringify({ Status: 0, Answer: [alias, found] }));
  });
  const { resolve } = dohResolver({ url: server.url, waitMsMax: 300, fetch });
  expect(await resolve("a.example.test")).toEqual(["192.0.2.1", "2001:db8::1"]);
  expect(asked.toSorted()).toEqual(["A", "AAAA"].map((type) => `a.example.test ${type} application/dns-json`));
});

test.each([
  ['{"Status":3}', []],
  ['{"Status":0}', []],
  ['{"Status":2}', "thrown"],
  ["<html>", "thrown"],
  ["null", "thrown"],
  ['{"Status":0,"Answer":[{"type":"1"}]}', "thrown"],
  ['{"Status":0,"Answer":{}}', "thrown"],
])("a name server that says %s gives %j", async (text, expected) => {
  await using server = await open((_, response) => void response.end(text));
  const { resolve } = dohResolver({ url: server.url, waitMsMax: 300, fetch });
  expect(await resolve("a.example.test").catch(() => "thrown")).toEqual(expected);
});

test("a name server that is silent or fails throws", async () => {
  await using silent = await open(() => undefined);
  await using failing = await open((_, response) => void response.writeHead(500).end('{"Status":0}'));
  for (const { url } of [silent, failing])
    await expect(dohResolver({ url, waitMsMax: 200, fetch }).resolve("a.example.test")).rejects.toThrow("name server");
});

test("a reporter's keys are read once an hour, and for one that is unknown once a minute", async () => {
  let [reads, fails, ids] = [0, false, ["k1"]];
  await using server = await open((_, response) => {
    reads++;
    if (fails) return void response.writeHead(500).end();
    response.end(JSON.stringify({ public_keys: ids.map((id) => ({ key_identifier: id, key: `pem ${id}` })) }));
  });
  const keys = fetchLeakKeys(server.url, fetch);
  expect([await keys.find("k1", 0), await keys.find("k1", 1), reads]).toEqual(["pem k1", "pem k1", 1]);
  expect([await keys.find("k2", 2), reads]).toEqual([null, 1]);
  ids = ["k1", "k2"];
  expect([await keys.find("k2", 60_003), reads]).toEqual(["pem k2", 2]);
  for (let at = 0; at < 50; at++) await keys.find(`forged ${at}`, 60_004 + at);
  expect(reads).toBe(2);
  fails = true;
  expect([await keys.find("k1", 3_000_000), await keys.find("none", 3_000_000), reads]).toEqual(["pem k1", null, 3]);
  await expect(keys.find("k1", 8_000_000)).rejects.toThrow("public keys");
  await expect(keys.find("k1", 8_000_001)).rejects.toThrow("public keys");
  expect(reads).toBe(4);
  fails = false;
  expect(await keys.find("k1", 8_070_000)).toBe("pem k1");
});
