import { expect, test } from "vitest";
import { readCause, openLog } from "#origin/log.ts";

test("a log line is one JSON object with the node's id", () => {
  const lines: string[] = [];
  openLog("node_a", (line) => void lines.push(line))("event", { hold: "h" });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ event: "event", node: "node_a", hold: "h" });
  expect(lines[0]?.endsWith("\n")).toBe(true);
});

test("of an error only its kind is logged, never its message", () => {
  const refused = Object.assign(new Error("connect 10.0.0.1"), { code: "ECONNREFUSED" });
  expect([
    readCause(refused),
    readCause(new TypeError("fetch failed", { cause: refused })),
    readCause(new RangeError("x")),
    readCause("x"),
  ]).toEqual(["ECONNREFUSED", "ECONNREFUSED", "RangeError", "unknown"]);
});
