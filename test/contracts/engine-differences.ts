/** The engines that the suite knows by name. */
export type EngineName = "simulator" | "vllm";

/** One promise that one engine keeps otherwise, and why that is right or bearable. */
export interface Difference {
  promise: string;
  engine: EngineName;
  reason: string;
}

/**
 * Where an engine differs. The suites do not skip what stands here: they assert that it IS different, so a line that is no longer true fails.
 * Promises named `fixture <name>` belong to the replay of `test/fixtures/vllm`.
 */
export const differences: readonly Difference[] = [];

/** Whether this promise is listed for this engine. */
export const isListed = (engine: EngineName, promise: string): boolean => differences.some((known) => known.engine === engine && known.promise === promise);
