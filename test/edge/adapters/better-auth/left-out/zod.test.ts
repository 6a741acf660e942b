import { expect, test } from "vitest";
import * as zod from "zod";
import { bundleWorker } from "#infra/local/edge/bundle.ts";
import { root } from "#infra/local/stack.ts";

test("what stands in for zod exports what zod does, but for its core and its languages", async () => {
  // As the bundle has it; a name that zod has given up breaks the build.
  const path = "../../../../../edge/adapters/better-auth/left-out/zod.mjs";
  const names = Object.keys(await import(path));
  expect(Object.keys(zod).filter((name) => !names.includes(name))).toEqual(["core", "locales"]);
  expect(names.filter((name) => !Object.hasOwn(zod, name))).toEqual([]);
});

test("the Worker's bundle speaks English alone", async () => {
  const bundle = await bundleWorker(root);
  expect(bundle).toContain("Invalid input: expected");
  for (const word of ["Ungültige Eingabe", "Entrée invalide", "無効な入力"]) expect(bundle).not.toContain(word);
});
