import { engineContract } from "./engine-contract.ts";

// Not part of `npm test`: it needs an engine. `PENSTOCK_VLLM_URL=http://127.0.0.1:8001 npm run accept`
const url = process.env["PENSTOCK_VLLM_URL"];
if (url === undefined) throw new Error("set PENSTOCK_VLLM_URL to the address of a vLLM to run this suite");

engineContract("vllm", async () => ({ url, model: process.env["PENSTOCK_VLLM_MODEL"] ?? "chat", embeddingModel: process.env["PENSTOCK_VLLM_EMBEDDING_MODEL"] ?? null }));
