import { engineContract } from "./engine-contract.ts";

// Not part of `npm test`: it needs an engine. `npm run accept` starts one; for another, set the address and run
// infra/checks/accept/vitest.config.ts with `--project contract`.
const url = process.env["PENSTOCK_VLLM_URL"];
if (url === undefined)
  throw new Error("run this suite with `npm run accept`, or set PENSTOCK_VLLM_URL to the address of a vLLM");

engineContract("vllm", async () => ({
  url,
  model: process.env["PENSTOCK_VLLM_MODEL"] ?? "chat",
  embeddingModel: process.env["PENSTOCK_VLLM_EMBEDDING_MODEL"] ?? null,
}));
