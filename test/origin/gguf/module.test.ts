import { expect, test } from "vitest";
import { loadLlamaModule } from "#origin/gguf/module.ts";

const absent = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}' imported from here`), { code: "ERR_MODULE_NOT_FOUND" });

test("without the optional module the command that installs it is named", async () => {
  const load = () => Promise.reject(absent("node-llama-cpp"));
  await expect(loadLlamaModule(load)).rejects.toMatchObject({
    name: "config_missing",
    message: expect.stringMatching(/npm install --no-save node-llama-cpp@\d+\.\d+\.\d+$/),
  });
});

test("a module that is there and does not load says why itself: installing it again would not help", async () => {
  await expect(loadLlamaModule(() => Promise.reject(absent("bytes")))).rejects.toMatchObject({
    name: "config_unreadable",
    message: expect.stringContaining("'bytes'"),
  });
  await expect(loadLlamaModule(() => Promise.reject(new Error("GLIBC_2.38 not found\nstack")))).rejects.toMatchObject({
    message: "gguf: node-llama-cpp does not load: Error: GLIBC_2.38 not found",
  });
});

test("a module of another shape is none", async () => {
  await expect(loadLlamaModule(() => Promise.resolve({ getLlama: () => {} }))).rejects.toMatchObject({
    name: "config_invalid",
  });
});
