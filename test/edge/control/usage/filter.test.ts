import { expect, it } from "vitest";
import { readFilter } from "#edge/control/usage/filter.ts";

const models = [{ id: "qwen-chat", aliases: ["default"] }] as unknown as Parameters<typeof readFilter>[2];

it("asks for an alias as its model's id, and takes a name that is not served any more as it is", () => {
  expect(readFilter("org_0000000000", { model: "default" }, models).model).toBe("qwen-chat");
  expect(readFilter("org_0000000000", { model: "qwen-chat" }, models).model).toBe("qwen-chat");
  expect(readFilter("org_0000000000", { model: "retired" }, models).model).toBe("retired");
  expect(readFilter("org_0000000000", { from: 1, to: 2 }, models)).toMatchObject({ fromMs: 1, toMs: 2 });
});
