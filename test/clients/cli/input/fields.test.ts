import { expect, it } from "vitest";
import { nameFlag } from "#clients/cli/input/fields.ts";

const options = Object.fromEntries(["model", "limit", "expires", "rows"].map((name) => [name, { about: "" }]));

it("names the flag that a field was given with, and which of its values", () => {
  expect(nameFlag("models[1]", options, { models: ["chat", "nope"] })).toBe("--model nope");
  expect(nameFlag("limits.tokensPerDay", options, {})).toBe("--limit tokensPerDay");
  expect(nameFlag("expiresAt", options, {})).toBe("--expires");
  expect(nameFlag("limit", options, { limit: "9999" })).toBe("--rows");
});

it("names a word of the command where there is no such flag, and leaves what it does not know", () => {
  expect(nameFlag("name", options, {})).toBe("NAME");
  expect(nameFlag("content-type", options, {})).toBe("content-type");
});
