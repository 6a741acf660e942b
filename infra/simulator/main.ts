import { parseArgs } from "node:util";
import type { EngineProfile, ModelOptions, SimulatorOptions } from "./options.ts";
import { startSimulator } from "./server.ts";

const text = { type: "string" } as const;
const many = { type: "string", multiple: true } as const;
const flags = {
  host: text,
  port: text,
  model: many,
  "embedding-model": many,
  "rerank-model": many,
  "transcription-model": many,
  "speech-model": many,
  "image-model": many,
  "api-key": text,
  "answer-tokens": text,
  "tokens-per-chunk": text,
  blocks: text,
  "max-num-seqs": text,
  "max-num-batched-tokens": text,
  "max-model-len": text,
  "model-context": many,
  "media-tokens": many,
  "thinking-tokens": many,
  "max-num-queued-reqs": text,
  "step-ms": text,
  "prefill-ms-per-token": text,
  "kv-ms-per-token": text,
} as const;

/**
 * Options from the command line; names as vLLM has them where it has them. `--max-num-queued-reqs none` takes the bound
 * away. Throws `RangeError` for no number.
 */
export function readOptions(args: readonly string[]): SimulatorOptions {
  const { values } = parseArgs({ args: [...args], options: flags });
  const set = <Name extends string>(
    name: Name,
    flag: string,
    value: string | undefined,
  ): Partial<Record<Name, number>> => {
    if (value === undefined) return {};
    if (value.trim() === "" || !(Number(value) >= 0))
      throw new RangeError(`--${flag} wants a number of at least 0, not ${value}`);
    const one: Partial<Record<Name, number>> = {};
    one[name] = Number(value);
    return one;
  };
  const queued = values["max-num-queued-reqs"];
  const profile: Partial<EngineProfile> = {
    ...set("blocks", "blocks", values.blocks),
    ...set("maxNumSeqs", "max-num-seqs", values["max-num-seqs"]),
    ...set("maxBatchedTokens", "max-num-batched-tokens", values["max-num-batched-tokens"]),
    ...set("contextTokens", "max-model-len", values["max-model-len"]),
    ...(queued === "none" ? { maxQueued: null } : set("maxQueued", "max-num-queued-reqs", queued)),
    ...set("stepMs", "step-ms", values["step-ms"]),
    ...set("prefillMsPerToken", "prefill-ms-per-token", values["prefill-ms-per-token"]),
    ...set("kvMsPerToken", "kv-ms-per-token", values["kv-ms-per-token"]),
  };
  const own = perModel.map(([name, flag]) => ({
    name,
    flag,
    tokens: new Map((values[flag] ?? []).map((given) => readTokens(flag, given))),
  }));
  const models: ModelOptions[] = [
    ...(values.model ?? []).map((names): ModelOptions => ({ names: readNames(names) })),
    ...outputs.flatMap(([flag, output]) =>
      (values[flag] ?? []).map((names): ModelOptions => ({ names: readNames(names), output })),
    ),
  ].map((model) => {
    const one = { ...model };
    for (const { name, tokens } of own) {
      const given = tokens.get(model.names[0]);
      tokens.delete(model.names[0]);
      if (given !== undefined) one[name] = given;
    }
    return one;
  });
  for (const { flag, tokens } of own)
    for (const unknown of tokens.keys()) throw new RangeError(`--${flag} names no model: ${unknown}`);
  return {
    profile,
    ...(models.length > 0 && { models }),
    ...(values.host !== undefined && { host: values.host }),
    ...(values["api-key"] !== undefined && { apiKey: values["api-key"] }),
    ...set("port", "port", values.port),
    ...set("answerTokensMean", "answer-tokens", values["answer-tokens"]),
    ...set("tokensPerChunk", "tokens-per-chunk", values["tokens-per-chunk"]),
  };
}

/** The flags that name models of one kind. */
const outputs = [
  ["rerank-model", "scores"],
  ["embedding-model", "vectors"],
  ["transcription-model", "transcripts"],
  ["speech-model", "speech"],
  ["image-model", "images"],
] as const;

/** What a model may have of its own: its context, where it is not `--max-model-len`, its media, its reasoning. */
const perModel = [
  ["contextTokens", "model-context"],
  ["mediaTokens", "media-tokens"],
  ["thinkingTokens", "thinking-tokens"],
] as const;

/** `name=tokens` */
function readTokens(flag: string, given: string): [name: string, tokens: number] {
  const at = given.lastIndexOf("=");
  const tokens = Number(given.slice(at + 1));
  if (at < 1 || !Number.isInteger(tokens) || tokens < 1)
    throw new RangeError(`--${flag} wants NAME=TOKENS, not ${given}`);
  return [given.slice(0, at), tokens];
}

/** `name,alias,alias` */
function readNames(list: string): [string, ...string[]] {
  const [name, ...aliases] = list
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (name === undefined) throw new RangeError("--model wants a name");
  return [name, ...aliases];
}

if (import.meta.main) {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
  const simulator = await startSimulator({
    ...readOptions(process.argv.slice(2)),
    onKill: () => {
      // Its last word, for whoever compares a bill with what was made; a pipe takes it at once.
      console.log(`killed ${JSON.stringify(simulator.oracle())}`);
      // Killed means killed: exit code 137 is what a shell reports of SIGKILL.
      process.exit(137);
    },
  });
  console.log(`ready ${JSON.stringify({ url: simulator.url })}`);
}
