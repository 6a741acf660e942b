/** The engines that the suite knows by name. */
export type EngineName = "simulator" | "vllm";

/** One promise that one engine keeps otherwise, and why that is right or bearable. */
export interface Difference {
  promise: string;
  engine: EngineName;
  reason: string;
}

/** Recordings of `test/fixtures/vllm` that the simulator answers with another structure, by reason. */
const fixtures: Record<string, string[]> = {
  "the fixture's token ids and vocabulary size are those of a tiny tokenizer; the simulator has another vocabulary": [
    "chat-stream-eos",
    "completions-token-ids-out-of-vocab",
    "embed-error-out-of-vocab",
    "error-logit-bias-out-of-vocab",
  ],
  "with `auto` the simulator calls a tool, as an able model would; the random one never does": [
    "chat-stream-tools-auto",
  ],
  "half a character is '' in one and U+FFFD in the other; both then have further kinds of chunks": [
    "chat-stream-utf8-logprobs",
  ],
  "the simulator shortens vectors for any model": ["embed-error-dimensions", "embed-error-dimensions-0"],
  "an unknown encoding_format is taken for float": ["embed-error-encoding"],
  "the simulator has no CORS middleware: no browser ever speaks to an engine": [
    "error-chat-preflight",
    "key-missing-preflight",
  ],
  "JavaScript's JSON has no NaN: it is malformed JSON here, a bad value there; 400 in both": ["error-nan"],
  "no beams: the field is ignored, so n > 1 with temperature 0 is refused": ["error-use-beam-search"],
  "a route that Penstock's agent never lets through; the simulator has none of it": [
    "generate",
    "generate-stream",
    "render-chat",
    "render-completions",
    "messages",
    "responses",
    "key-missing-invocations",
  ],
  "recorded with --fingerprint-mode none; the simulator always has a fingerprint, for agents' tests": [
    "key-right",
    "priority-allowed",
    "queue-waiting-stream",
    "request-id-header-echoed",
    "request-id-header-echoed-stream",
  ],
};

/**
 * Where an engine differs. The suites do not skip what stands here: they assert that it IS different, so a line that is
 * no longer true fails. Promises named `fixture <name>` belong to the replay of the recordings.
 */
export const differences: readonly Difference[] = Object.entries(fixtures).flatMap(([reason, names]) =>
  names.map((name): Difference => ({ promise: `fixture ${name}`, engine: "simulator", reason })),
);

/** Whether this promise is listed for this engine. */
export const isListed = (engine: EngineName, promise: string): boolean =>
  differences.some((known) => known.engine === engine && known.promise === promise);
