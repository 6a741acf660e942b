import { expect, test } from "vitest";
import { resolveOptions } from "#infra/simulator/options.ts";
import { admit, ServedModels } from "#infra/simulator/served-model.ts";

const models = new ServedModels(
  resolveOptions({
    models: [{ names: ["a/long", "short"] }, { names: ["vec"], output: "vectors" }],
    profile: { maxQueued: 2 },
  }),
);

test("a model is found by any of its names, and without a name the first that fits", () => {
  for (const name of ["a/long", "short", null, ""]) expect(models.find(name, false).name).toBe("a/long");
  expect(models.find(null, true).name).toBe("vec");
});

test("a model of the other kind is unknown, as is any other name", () => {
  expect(() => models.find("vec", false)).toThrow("Valid aliases: a/long, short.");
  expect(() => models.find("short", true)).toThrow("The model `short` does not exist.");
});

test("admission asks the model's own engine", () => {
  expect(() => admit(models.find("short", false), 2)).not.toThrow();
  expect(() => admit(models.find("short", false), 3)).toThrow("currently busy");
});
