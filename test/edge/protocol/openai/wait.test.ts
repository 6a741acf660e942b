import { expect, test } from "vitest";
import { readWait } from "#edge/protocol/openai/wait.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const read = (text: string) => readWait(new Headers({ "x-penstock-wait-ms": text }));

test("a call waits for 250 ms, or for as long as its caller says, up to half a minute", () => {
  expect(readWait(new Headers())).toBe(250);
  expect(["0", "1", "0250", "30000"].map(read)).toEqual([0, 1, 250, 30_000]);
});

test.each(["", "soon", "-1", "1.5", "1e3", "30001", "99999", "250ms", "1 000"])(
  "%j is refused by name",
  async (text) => {
    await expectRefusal(async () => read(text), "invalid_value", "x-penstock-wait-ms");
  },
);
