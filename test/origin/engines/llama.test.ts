import { expect, test } from "vitest";
import { openLlama } from "#origin/engines/llama.ts";

test("without its optional module llama.cpp says how to install it", async () => {
  await expect(openLlama("/nowhere.gguf")).rejects.toMatchObject({ name: "config_missing", message: expect.stringContaining("npm install") });
});
