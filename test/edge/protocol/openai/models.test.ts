import { expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { findModel, markModel, refuseModel } from "#edge/protocol/openai/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { modelOf, testModels } from "#test/support/fakes/models.ts";

test("a model is found by id or alias; one that is not there or does not serve is refused by name", async () => {
  expect(findModel([modelOf()], "chat", "completions").id).toBe(modelOf().id);
  expect(findModel([modelOf()], modelOf().id, "completions").id).toBe(modelOf().id);
  const unknown = await expectRefusal(() => findModel(testModels, "none", "completions"), "model_not_found", "model");
  expect(unknown.details.message).toBe("The model 'none' does not exist or you do not have access to it.");
  await expectRefusal(() => findModel(testModels, "embed", "completions"), "invalid_value", "model");
});

test("the refusal of a call without a model has no name in it", () => {
  expect(refuseModel("", "models[0]").details).toEqual({
    param: "models[0]",
    message: "The model does not exist or you do not have access to it.",
  });
});

test("what is refused for a model is marked with it, and what breaks is not", () => {
  const about = { name: "chat", id: "a/one" };
  const refuse = () => {
    throw new Refusal("invalid_value", { param: "n" });
  };
  expect(() => markModel(about, refuse)).toThrow(expect.objectContaining({ details: { param: "n", about } }));
  const broken = new TypeError("broken");
  expect(() =>
    markModel(about, () => {
      throw broken;
    }),
  ).toThrow(broken);
  expect(markModel(about, () => 7)).toBe(7);
});
