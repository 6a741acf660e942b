import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Refusal } from "#edge/errors.ts";
import {
  bodiesInReadingMax,
  bodyBytesMax,
  bodyMsMax,
  bodySlowMs,
  bytesInReadingMax,
  discardedBytesMax,
  orgBytesInReadingMax,
} from "#edge/limits.ts";
import { drainUnread, readBytes } from "#edge/protocol/bytes.ts";
import { openIntake, type Intake } from "#edge/protocol/intake.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";
import { posted, streamed } from "#test/support/fakes/visit.ts";

const sender = { org: "org_0000000001", key: "key_000001" };
let intake: Intake;
beforeEach(() => void (intake = openIntake()));
afterEach(() => {
  vi.useRealTimers();
  expect(intake.bytes).toBe(0);
});

const read = (request: Request, bytesMax = bodyBytesMax, from = sender) =>
  readBytes(request, { bytesMax, sender: from }, intake);
const readAll = (request: Request) => read(request);

/** A body whose pieces the test sends; `declared` is its length as the header says. */
function dripping(declared: number | null = null) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (isCancelled = true),
  });
  const headers = declared === null ? {} : { "content-length": String(declared) };
  const init = { method: "POST", body, headers, duplex: "half" };
  const request = new Request("http://edge/", init as RequestInit);
  return {
    request,
    send: (bytes: number) => controller.enqueue(new Uint8Array(bytes)),
    end: () => controller.close(),
    breakOff: () => controller.error(new TypeError("reset")),
    isCancelled: () => isCancelled,
  };
}

describe("size", () => {
  test("a declared length above 4 MiB is refused; the body is drained, so that the refusal can be read", async () => {
    const request = posted("{}", { "content-length": String(bodyBytesMax + 1) });
    const refusal = await expectRefusal(() => readAll(request), "request_too_large");
    expect(refusal.status).toBe(413);
    expect(request.bodyUsed).toBe(true);
  });

  test("an undeclared body is counted while it streams, and abandoned at 16 MiB", async () => {
    let pulled = 0;
    function* endless() {
      for (;;) {
        pulled++;
        yield new Uint8Array(64 * 1024).fill(32);
      }
    }
    await expectRefusal(() => readAll(streamed(endless())), "request_too_large");
    expect(pulled).toBeLessThanOrEqual(discardedBytesMax / (64 * 1024) + 4);
  });

  test("exactly 4 MiB pass, streamed in uneven chunks, in their order; one byte more does not", async () => {
    const bytes = Uint8Array.from({ length: bodyBytesMax }, (_, at) => at % 251);
    const chunks = (all: Uint8Array) => [
      all.subarray(0, 1),
      all.subarray(1, 70_000),
      new Uint8Array(),
      all.subarray(70_000),
    ];
    const whole = await read(streamed(chunks(bytes)), bodyBytesMax);
    expect(Buffer.compare(whole, bytes)).toBe(0);
    await expectRefusal(
      () => read(streamed(chunks(new Uint8Array(bodyBytesMax + 1))), bodyBytesMax),
      "request_too_large",
    );
  });

  test("a body longer than its declared length is refused as well, should the HTTP layer let it through", async () => {
    await expectRefusal(
      () => read(streamed([new Uint8Array(2_000)], { "content-length": "5" }), 1_000),
      "request_too_large",
    );
  });

  test("the refusal names the bound", async () => {
    const refusal = await expectRefusal(() => read(streamed([new Uint8Array(11)]), 10), "request_too_large");
    expect(refusal.details.message).toContain("10 bytes");
  });

  test("a request without a body reads as nothing", async () => {
    expect(await read(new Request("http://edge/", { method: "POST" }), 10)).toEqual(new Uint8Array());
  });
});

describe("a body in reading", () => {
  beforeEach(() => void vi.useFakeTimers());

  for (const declared of [null, 1_000]) {
    const kind = declared === null ? "chunked" : "declared";
    test(`that is ${kind} has ten seconds, however it drips, then 408; nothing of it stays counted`, async () => {
      const { request, send, isCancelled } = dripping(declared);
      const reading = refusedBy(() => read(request));
      for (let ms = 0; ms < bodyMsMax - 1_000; ms += 1_000) {
        send(1);
        await vi.advanceTimersByTimeAsync(1_000);
      }
      expect(intake.bytes).toBeGreaterThan(0);
      await vi.advanceTimersByTimeAsync(1_000);
      const refusal = await reading;
      expect([refusal.code, refusal.status]).toEqual(["request_timeout", 408]);
      await vi.advanceTimersByTimeAsync(0);
      if (declared === null) expect(isCancelled()).toBe(true);
    });

    test(`that is ${kind} and breaks off is the caller's mistake, not ours`, async () => {
      const { request, send, breakOff } = dripping(declared);
      const reading = refusedBy(() => read(request));
      send(1);
      breakOff();
      expect((await reading).code).toBe("invalid_json");
    });
  }

  test("leaves no timer behind when it is there", async () => {
    await read(posted("{}"));
    await read(posted("{}", { "content-length": "2" }));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("counts what it declares at once: an org has 8 MiB, all have 16 MiB, who comes later gets a hint", async () => {
    const count = (bytesMax: number) => bytesMax / bodyBytesMax;
    const begun: Promise<Refusal>[] = [];
    const begin = (from: typeof sender) =>
      begun.push(refusedBy(() => read(dripping(bodyBytesMax).request, undefined, from)));
    const orgs = count(bytesInReadingMax) / count(orgBytesInReadingMax);
    for (let org = 0; org < orgs; org++) {
      for (let at = 0; at < count(orgBytesInReadingMax); at++) begin({ org: `org_${org}`, key: `key_${at}` });
    }
    expect(intake.bytes).toBe(bytesInReadingMax);
    for (const org of ["org_0", "org_other"]) {
      const late = await expectRefusal(() => read(posted("{}"), undefined, { org, key: "k" }), "server_is_overloaded");
      expect([late.status, late.details.retryAfterMs]).toEqual([503, 1_000]);
    }
    await vi.advanceTimersByTimeAsync(bodyMsMax);
    expect(new Set((await Promise.all(begun)).map(({ code }) => code))).toEqual(new Set(["request_timeout"]));
    expect(await read(posted("{}"))).toHaveLength(2);
  });

  test("of unknown length counts as it grows, and is refused when there is no room for more", async () => {
    const other = intake.enter({ org: sender.org, key: "key_other" });
    expect(other.grow(orgBytesInReadingMax - 1_000)).toBeNull();
    const { request, send, end } = dripping();
    const reading = refusedBy(() => read(request));
    send(1_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(intake.bytes).toBe(orgBytesInReadingMax);
    send(1);
    end();
    expect((await reading).code).toBe("server_is_overloaded");
    other.leave();
  });

  test(`is one of ${bodiesInReadingMax} that a key may have for long; quick ones are never too many`, async () => {
    await Promise.all(Array.from({ length: 10 * bodiesInReadingMax }, () => read(posted("{}"))));
    const slow = Array.from({ length: bodiesInReadingMax + 1 }, () => refusedBy(() => read(dripping(10).request)));
    const neighbour = dripping(10);
    const theirs = read(neighbour.request, undefined, { org: sender.org, key: "key_other" });
    await vi.advanceTimersByTimeAsync(bodySlowMs);
    expect((await slow[bodiesInReadingMax])?.code).toBe("concurrency_exceeded");
    neighbour.send(10);
    neighbour.end();
    expect(await theirs).toHaveLength(10);
    await vi.advanceTimersByTimeAsync(bodyMsMax);
    expect(new Set((await Promise.all(slow.slice(0, -1))).map(({ code }) => code))).toEqual(
      new Set(["request_timeout"]),
    );
  });

  test("gives back what it counted in every way out, in any order", async () => {
    const step = fc.record({
      declared: fc.boolean(),
      bytes: fc.integer({ min: 0, max: 3_000_000 }),
      end: fc.constantFrom("end", "break", "drip", "too large"),
      org: fc.constantFrom("a", "b", "c"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const all = steps.map(({ declared, bytes, end, org }) => {
          const body = dripping(declared ? bytes : null);
          const bytesMax = end === "too large" ? Math.floor(bytes / 2) : bodyBytesMax;
          const reading = read(body.request, bytesMax, { org, key: org }).catch((failure: unknown) => failure);
          return { body, bytes, end, reading };
        });
        for (const { body, bytes, end } of all) {
          body.send(bytes + 1);
          if (end === "break") body.breakOff();
          else if (end !== "drip") body.end();
          await vi.advanceTimersByTimeAsync(1);
          expect(intake.bytes).toBeLessThanOrEqual(bytesInReadingMax);
        }
        await vi.advanceTimersByTimeAsync(bodyMsMax);
        const outcomes = await Promise.all(all.map(({ reading }) => reading));
        for (const outcome of outcomes) expect(outcome instanceof Uint8Array || outcome instanceof Refusal).toBe(true);
        expect(intake.bytes).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

describe("what is sent to whom we refuse", () => {
  test("is read up to 4 MiB and dropped, however little it is", async () => {
    const large = posted("x".repeat(100_000), { "content-length": "100000" });
    await drainUnread(large);
    expect(large.bodyUsed).toBe(true);
    const small = posted("{}", { "content-length": "2" });
    await drainUnread(small);
    expect(small.bodyUsed).toBe(true);
    let pulled = 0;
    function* endless() {
      for (; ; pulled++) yield new Uint8Array(64 * 1024);
    }
    await drainUnread(streamed(endless()));
    expect(pulled).toBeLessThanOrEqual(bodyBytesMax / (64 * 1024) + 4);
  });

  test("keeps nobody waiting for more than ten seconds, nor fails when it breaks off", async () => {
    vi.useFakeTimers();
    const slow = dripping();
    const drained = drainUnread(slow.request);
    await vi.advanceTimersByTimeAsync(bodyMsMax);
    await drained;
    expect(slow.isCancelled()).toBe(true);
    const broken = dripping();
    broken.breakOff();
    await drainUnread(broken.request);
    await drainUnread(new Request("http://edge/"));
    expect(vi.getTimerCount()).toBe(0);
  });
});
