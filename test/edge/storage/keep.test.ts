import { describe, expect, test } from "vitest";
import { storedBytesMax } from "#edge/agreements/stored-limits.ts";
import { keepAnswer } from "#edge/storage/keep.ts";
import { openResponse } from "#edge/storage/sealed-response.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";
import { openStorageWorld, org } from "./world.ts";

const reference = "0".repeat(22);
const id = `resp_${reference}`;
const hold = `hold_${reference}`;
const output = [{ type: "message", id: `msg_${reference}_0`, content: [] }];
const response = { id, status: "completed", store: true, output, usage: null };
const input = [
  { role: "user", content: "Hello" },
  { type: "function_call_output", call_id: "call_1", output: "sunny" },
  { type: "reasoning", id: "rs_own", summary: [] },
];
const event = (over: object = {}) => {
  const whole = { ...response, ...over };
  const type = `response.${whole.status}`;
  return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 9, response: whole })}\n\n`;
};
const begun = 'event: response.created\ndata: {"type":"response.created"}\n\n';

async function openWorld() {
  const world = await openStorageWorld();
  const abort = new AbortController();
  const visit = visitOf(new Request(posted({}), { signal: abort.signal }));
  const keep = (chunks: string[], isStream: boolean, body?: ReadableStream<Uint8Array>) => {
    const source = body ?? new Blob(chunks).stream();
    const kept = { org, hold, isStream, kept: { input, previous: null } };
    return keepAnswer(visit, world.storage, kept, new Response(source, { headers: { "content-length": "7" } }));
  };
  const find = () => world.held.responses.get(id);
  const open = async () => {
    const [storage, stored] = [await world.storage.open(org, 0), find()];
    if (!storage || !stored) throw new Error("not stored");
    return openResponse({ org, id, storage }, stored.sealed);
  };
  return { ...world, visit, abort, keep, find, open };
}

/** How an answer is written: a stream's last event, or the whole; and what of it is read back. */
const forms = [
  ["stream", true, (over: object) => [begun, event(over)], (text: string) => text.split("\n").at(-3)?.slice(6)],
  ["whole", false, (over: object) => [JSON.stringify({ ...response, ...over })], (text: string) => text],
] as const;

describe.each(forms)("an answer, %s", (_, isStream, write, read) => {
  const parse = (text: string) => {
    const value = JSON.parse(read(text) ?? "");
    return isStream ? value.response : value;
  };

  test("goes on as it is and is stored, each item under an id, its own where it has one", async () => {
    const { keep, open, find, visit } = await openWorld();
    const answer = keep([...write({})], isStream);
    expect(answer.headers.has("content-length")).toBe(false);
    expect(await answer.text()).toBe(write({}).join(""));
    const { output: made, ...rest } = response;
    expect(await open()).toEqual({
      rest,
      items: {
        output: made,
        input: [
          { ...input[0], type: "message", id: `msg_${reference}_in0` },
          { ...input[1], id: `fco_${reference}_in1` },
          input[2],
        ],
      },
    });
    expect(find()).toMatchObject({ previous: null, createdAtMs: visit.now() });
  });

  test.each([
    ["the store fails", { id }, "unknown"],
    ["the answer failed", { status: "failed" }, "the answer failed"],
    ["the node names it otherwise", { id: "resp_other" }, "the node has another name for it"],
    ["it is too long", { user: "x".repeat(storedBytesMax) }, "the answer is too long"],
  ])("says that it is not stored where %s", async (why, over, logged) => {
    const { keep, find, faults, visit } = await openWorld();
    if (why === "the store fails") faults.fails = "put";
    const text = await keep([...write(over)], isStream).text();
    expect(parse(text)).toEqual({ ...response, ...over, store: false });
    expect(find()).toBeUndefined();
    const said = visit.logged
      .filter(({ event: name }) => name === "response_not_stored")
      .map(({ facts }) => facts?.["why"]);
    expect(said).toEqual([logged === "unknown" ? "Error" : logged]);
  });

  test("is not stored once storage was switched off, or the caller has left", async () => {
    for (const how of ["off", "left"]) {
      const { keep, find, memory, abort, storage } = await openWorld();
      await storage.open(org, 0);
      if (how === "off") await memory.switchOff(org);
      else abort.abort();
      expect(parse(await keep([...write({})], isStream).text()).store).toBe(false);
      expect(find()).toBeUndefined();
    }
  });
});

test("a stream's bytes go on before its end is there, and its end not before it is stored", async () => {
  const { keep, find, memory, storage } = await openWorld();
  await storage.open(org, 0);
  const source = new TransformStream<Uint8Array, Uint8Array>();
  const writer = source.writable.getWriter();
  const encoder = new TextEncoder();
  const reader = keep([], true, source.readable).body?.getReader();
  const read = async () => new TextDecoder().decode((await reader?.read())?.value);
  void writer.write(encoder.encode(begun));
  expect(await read()).toBe(begun);
  const stored = Promise.withResolvers<void>();
  const put = storage.store.put;
  storage.store.put = async (entry) => {
    await stored.promise;
    return put(entry);
  };
  void writer.write(encoder.encode(event()));
  let isOver = false;
  const last = read().then((text) => {
    isOver = true;
    return text;
  });
  await new Promise((done) => setTimeout(done, 20));
  expect([isOver, find()]).toEqual([false, undefined]);
  stored.resolve();
  expect([await last, find() !== undefined]).toEqual([event(), true]);
  expect(memory).toBeDefined();
});

test("a stream that breaks, breaks as it came, and one that ends without its last event is not stored", async () => {
  const { keep, find } = await openWorld();
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(begun));
      controller.error(new TypeError("broken"));
    },
  });
  await expect(keep([], true, broken).text()).rejects.toThrow("broken");
  const cut = begun + event().slice(0, 60);
  expect(await keep([cut], true).text()).toBe(cut);
  expect(find()).toBeUndefined();
});

test("what is no response, and what has nowhere to be stored, goes on as it is", async () => {
  const { keep, visit } = await openWorld();
  expect(await keep(["no JSON"], false).text()).toBe("no JSON");
  const odd = "event: response.completed\ndata: nothing\n\n";
  expect(await keep([odd], true).text()).toBe(odd);
  const answer = new Response("x");
  const kept = { org, hold, isStream: false, kept: { input: [], previous: null } };
  expect(keepAnswer(visit, null, kept, answer)).toBe(answer);
});
