/** The version that the simulator says it is: the vLLM whose answers it was checked against. */
export const vllmVersion = "0.32.0";

/** What vLLM puts into `system_fingerprint`. */
export const fingerprint = `vllm-${vllmVersion}-5eed0001`;
