import { expect, test } from "vitest";
import { amountPattern, readMicros, writeMicros } from "#edge/portal/model/forms/money.ts";

test("what is written is kept in millionths, and shown as it was written", () => {
  for (const [text, micros] of [
    ["12.5", 12_500_000],
    ["0.000001", 1],
    ["1.005", 1_005_000],
    ["0", 0],
  ] as const) {
    expect(readMicros(text)).toBe(micros);
    expect(Number(writeMicros(micros))).toBe(Number(text));
    expect(text).toMatch(new RegExp(`^${amountPattern}$`));
  }
  for (const text of ["-1", "1,5", "1e6", "0.0000001", ""]) expect(text).not.toMatch(new RegExp(`^${amountPattern}$`));
});
