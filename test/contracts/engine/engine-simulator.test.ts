import { startSimulator } from "#infra/simulator/server.ts";
import { engineContract } from "./engine-contract.ts";

engineContract("simulator", async () => {
  const { url, close } = await startSimulator({
    models: [
      { names: ["Qwen/Qwen2.5-7B-Instruct", "chat"] },
      { names: ["BAAI/bge-small-en-v1.5", "embed"], output: "vectors" },
    ],
    profile: { stepMs: 1 },
  });
  return { url, model: "chat", embeddingModel: "embed", close };
});
