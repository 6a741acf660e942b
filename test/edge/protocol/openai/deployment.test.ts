import { expect, test } from "vitest";
import { addDeployment } from "#edge/protocol/openai/deployment.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const [first] = testModels;
const { id } = first!;
const alias = first!.aliases[0]!;

test("the deployment is the model where the body names none", () => {
  expect(addDeployment({ messages: [] }, "chat", testModels)).toEqual({ messages: [], model: "chat" });
  expect(addDeployment({ model: null }, "chat", testModels)).toEqual({ model: "chat" });
});

test("a body that names the same model, by its id or an alias, stays as it is", () => {
  for (const [deployment, model] of [
    [alias, alias],
    [alias, id],
    [id, alias],
    ["unknown", "unknown"],
  ] as const)
    expect(addDeployment({ model }, deployment, testModels)).toEqual({ model });
});

test("a body that names another model is refused, with both names", async () => {
  const refusal = await expectRefusal(
    () => addDeployment({ model: "other" }, alias, testModels),
    "invalid_value",
    "model",
  );
  expect(refusal.details.message).toContain(`'${alias}'`);
  expect(refusal.details.message).toContain("'other'");
});

test("what is no object, and a model that is no text, are left to the schema", () => {
  expect(addDeployment([1], alias, testModels)).toEqual([1]);
  expect(addDeployment({ model: 7 }, alias, testModels)).toEqual({ model: 7 });
});
