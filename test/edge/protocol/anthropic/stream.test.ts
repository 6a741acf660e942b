import { expect, test } from "vitest";
import { Refusal, refusalCodes, refusals } from "#edge/errors.ts";
import { messagesStream, writeEvent } from "#edge/protocol/anthropic/stream.ts";

const textOf = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes ?? undefined);

test("an event has its type as its name, and is one line of JSON whatever is in it", () => {
  expect(writeEvent({ type: "message_stop" })).toBe('event: message_stop\ndata: {"type":"message_stop"}\n\n');
  expect(writeEvent({ type: "x", text: "a\n\ndata: b\r" }).split(/[\r\n]/)).toHaveLength(4);
});

test("the sign of waiting is a ping, which SDKs skip", () => {
  expect(textOf(messagesStream.waitSign)).toBe('event: ping\ndata: {"type":"ping"}\n\n');
});

test("an error is one event behind a blank line, since the stream may have broken within a line", () => {
  for (const code of Object.keys(refusals)) {
    const refusal = new Refusal(refusalCodes.parse(code), {
      message: "a\nb\r\n\nevent: message_stop\n",
      log: "CANARY",
    });
    const text = textOf(messagesStream.encodeError(refusal));
    const [blank, end, name, line, ...rest] = text.split(/\r\n|\n|\r/);
    expect([blank, end, name, ...rest]).toEqual(["", "", "event: error", "", ""]);
    expect(JSON.parse(line?.slice("data: ".length) ?? "")).toMatchObject({ type: "error", error: { code } });
    expect(text).not.toContain("CANARY");
  }
});
