/** The path of an inference call, the same on the agent and on the engine. */
export type CallPath = "/v1/chat/completions" | "/v1/completions" | "/v1/embeddings";
