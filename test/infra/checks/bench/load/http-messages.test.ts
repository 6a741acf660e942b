import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findField, MessageReader, readStatus, writePost } from "#infra/checks/bench/load/http-messages.ts";

/** What a reader told, one message an entry. */
function read(pieces: Buffer[]): { messages: { head: string; body: string }[]; isBetween: boolean } {
  const messages: { head: string; body: string }[] = [];
  let now = { head: "", body: "" };
  const reader = new MessageReader({
    head: (head) => (now = { head, body: "" }),
    body: (bytes) => (now.body += bytes.toString("latin1")),
    end: () => messages.push(now),
  });
  for (const piece of pieces) reader.push(piece);
  return { messages, isBetween: reader.isBetween };
}

const sent = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" +
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-a: b\r\n\r\n6\r\ndata: \r\nb\r\n[DONE]\n\n\r\n\r\r\n0\r\n\r\n" +
    "HTTP/1.1 204 No Content\r\n\r\n",
);

describe("the bench's HTTP messages", () => {
  test("messages come out the same wherever the bytes were cut", () => {
    const whole = read([sent]);
    expect(whole.messages.map(({ body }) => body)).toEqual(["hello", "data: [DONE]\n\n\r\n\r", ""]);
    expect(whole.messages.map(({ head }) => readStatus(head))).toEqual([200, 200, 204]);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(sent.length), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), sent.length];
        const pieces = at.slice(1).map((end, index) => sent.subarray(at[index], end));
        expect(read(pieces)).toEqual(whole);
      }),
    );
  });

  test("a message that is not whole has not ended", () => {
    expect(read([sent.subarray(0, 40)])).toEqual({ messages: [], isBetween: false });
    expect(read([sent]).isBetween).toBe(true);
  });

  test("a chunk without a size is an error, not an empty chunk", () => {
    expect(() => read([Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")])).toThrow(
      RangeError,
    );
  });

  test("a POST says who asks, and how long it is in bytes", () => {
    const [message] = read([writePost("/v1/x", "key", "é")]).messages;
    expect(message && findField(message.head, "authorization")).toBe("Bearer key");
    expect(message && findField(message.head, "content-length")).toBe("2");
    expect(message && findField(message.head, "cookie")).toBeNull();
  });
});
