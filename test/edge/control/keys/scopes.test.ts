import { expect, it } from "vitest";
import { findScope, resolveModels, unique } from "#edge/control/keys/scopes.ts";
import { Refusal } from "#edge/errors.ts";

const models = [{ id: "qwen-chat", aliases: ["default"] }] as unknown as Parameters<typeof resolveModels>[1];

it("stores an alias as the id it stands for, each once, and names the place of an unknown model", () => {
  expect(resolveModels(["default", "qwen-chat"], models)).toEqual(["qwen-chat"]);
  const unknown = () => resolveModels(["default", "nope"], models);
  expect(unknown).toThrow(Refusal);
  expect(unknown).toThrow(expect.objectContaining({ details: expect.objectContaining({ param: "models[1]" }) }));
});

it("finds the first scope that is named, and takes null for not named", () => {
  expect(findScope({ name: "x", endpoints: null, ipCidrs: ["203.0.113.0/24"] })).toBe("ipCidrs");
  expect(findScope({ name: "x", limits: null })).toBe(null);
});

it("keeps each item once, in the order given", () => {
  expect(unique([2, 1, 2])).toEqual([2, 1]);
});
