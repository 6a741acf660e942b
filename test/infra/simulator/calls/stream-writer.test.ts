import { createServer } from "node:http";
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import type { FaultRule } from "#infra/simulator/faults.ts";
import { StreamWriter } from "#infra/simulator/calls/stream-writer.ts";

/** Lets `write` use a stream writer for one answer; what reached the caller, and what its owner heard. */
async function answer(rules: FaultRule[], write: (writer: StreamWriter) => void) {
  const events = { onEnd: vi.fn<(how: string) => void>(), onStall: vi.fn<() => void>(), onKill: vi.fn<() => void>() };
  const server = createServer((_, response) => write(new StreamWriter(response, rules, events))).listen(0);
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  const response = await fetch(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`).catch(() => null);
  const text = (await response?.text().catch(() => "broken")) ?? "refused";
  return { text, events };
}

test("a stream is written as it is, and its end is no one's leaving", async () => {
  const { text, events } = await answer([], (writer) => {
    writer.openStream();
    expect(writer.event('{"a":1}')).toBe(true);
    writer.done();
    expect([writer.isDone, writer.isOpen, writer.event("late")]).toEqual([true, false, false]);
  });
  expect(text).toBe('data: {"a":1}\n\ndata: [DONE]\n\n');
  expect(events.onEnd).not.toHaveBeenCalled();
});

test("a cut breaks the answer and is reported once; so is a kill", async () => {
  for (const kind of ["cut", "kill"] as const) {
    const { text, events } = await answer([{ kind, afterChunks: 1 }], (writer) => {
      writer.openStream();
      expect([writer.event("1"), writer.event("2")]).toEqual([true, false]);
    });
    expect([text, events.onEnd.mock.calls, events.onKill.mock.calls.length]).toEqual([
      "broken",
      [["failed"]],
      kind === "kill" ? 1 : 0,
    ]);
  }
});

test("faults that do not strike an answer leave it alone", async () => {
  const { text } = await answer(
    [{ kind: "slow-headers" }, { kind: "usage" }],
    (writer) => void writer.whole(200, "{}"),
  );
  expect(text).toBe("{}");
});
